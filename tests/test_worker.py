"""The worker as a front end meets it: a real process, real pipes, real ONNX files."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
import pyvips
from colorize_neural import __version__, settings
from colorize_neural.client import Client
from colorize_neural.errors import ColorizeError
from colorize_neural.protocol import Shape
from colorize_neural.settings import Settings

from tests.pixel_files import FOLDERS, pixel_files
from tests.processes import children
from tests.tiny_models import make_models

GREY = Shape(60, 40, 3, "uint8")
pytestmark = pytest.mark.usefixtures("own_log")


def nothing(_fraction: float, _text: str) -> None: ...


def colorize(client: Client, rows: np.ndarray[Any, Any], **options: object) -> tuple[np.ndarray[Any, Any], Any]:
    """The coloured rows, and what the worker says of its work."""
    height, width, channels = rows.shape
    shape = Shape(width, height, channels, str(rows.dtype))
    with client.pixels(shape) as pixels:
        pixels.write(rows.tobytes())
        result = client.colorize(pixels, options, nothing)
        coloured = pixels.read(height)
    return np.frombuffer(coloured, rows.dtype).reshape(rows.shape), result


@contextmanager
def started(tiny: Settings, numpy: Path | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A worker, spoken to without a client; `numpy`: a folder with another one."""
    command = [str(tiny.python), "-m", "colorize_neural.worker"]
    path = os.pathsep.join([*([str(numpy)] if numpy else []), os.environ.get("PYTHONPATH", "")])
    environment = os.environ | {"COLORIZE_NEURAL_MODELS": str(tiny.models), "PYTHONPATH": path}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment) as worker:
        yield worker
        assert worker.stdin
        worker.stdin.close()


@pytest.fixture
def raw_worker(tiny: Settings) -> Iterator[subprocess.Popen[bytes]]:
    with started(tiny) as worker:
        yield worker


def another_numpy(folder: Path, content: str) -> Path:
    (folder / "numpy").mkdir()
    (folder / "numpy" / "__init__.py").write_text(content)
    return folder


def answer(worker: subprocess.Popen[bytes], line: str) -> Any:
    assert worker.stdin and worker.stdout
    worker.stdin.write(line.encode() + b"\n")
    worker.stdin.flush()
    return json.loads(worker.stdout.readline())


def test_hello_is_answered_before_the_heavy_libraries_are_loaded(tiny: Settings, tmp_path: Path) -> None:
    with started(tiny, another_numpy(tmp_path, "import time; time.sleep(600)")) as worker:
        for _ in range(2):
            assert answer(worker, '{"kind": "hello"}') == {"kind": "hello", "version": __version__, "protocol": 2}


def test_the_heavy_libraries_load_while_the_front_end_is_still_reading(raw_worker: subprocess.Popen[bytes]) -> None:
    answer(raw_worker, '{"kind": "hello"}')
    deadline = time.monotonic() + 60
    while "onnxruntime" not in Path(f"/proc/{raw_worker.pid}/maps").read_text() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert "onnxruntime" in Path(f"/proc/{raw_worker.pid}/maps").read_text()


def test_a_library_that_cannot_be_loaded_is_a_sentence_and_the_log_tells_the_cause(
    tiny: Settings, tmp_path: Path, own_log: Path
) -> None:
    shape = '{"width": 1, "height": 1, "channels": 3, "dtype": "uint8"}'
    with started(tiny, another_numpy(tmp_path, "raise ImportError('a library of another system')")) as worker:
        answer(worker, '{"kind": "hello"}')
        reply = answer(worker, f'{{"kind": "colorize", "shape": {shape}, "options": {{}}, "foreseen": []}}')
        assert reply["kind"] == "error" and str(own_log) in reply["message"]
        assert answer(worker, '{"kind": "hello"}')["kind"] == "hello"
    assert "a library of another system" in own_log.read_text().partition("Traceback")[2].partition("Traceback")[0]


@pytest.mark.parametrize(
    "line",
    [
        "no JSON",
        "[]",
        "{}",
        '{"kind": "dance"}',
        '{"kind": "check"}',
        '{"kind": "open"}',
        '{"kind": "open", "path": 7}',
        '{"kind": "colorize", "shape": {"width": 1, "height": 1, "channels": 3, "dtype": "uint8"}, "options": {}}',
        '{"kind": "colorize", "shape": {"width": -1, "height": 1, "channels": 3, "dtype": "uint8"}, "options": {}}',
        '{"kind": "colorize", "shape": 5, "options": {}}',
    ],
)
def test_a_request_that_is_none_is_a_sentence_and_the_worker_lives_on(
    raw_worker: subprocess.Popen[bytes], line: str
) -> None:
    reply = answer(raw_worker, line)
    assert reply["kind"] == "error"
    assert reply["message"].endswith("please run install.py again.")
    assert answer(raw_worker, '{"kind": "hello"}')["kind"] == "hello"


@pytest.mark.parametrize("dtype", ["uint8", "uint16", "float32"])
@pytest.mark.parametrize("channels", [3, 4])
def test_pixels_come_back_coloured_and_alpha_as_it_was(client: Client, dtype: str, channels: int) -> None:
    limit = 1 if dtype == "float32" else np.iinfo(dtype).max
    rows = np.full((40, 60, channels), limit / 2, dtype)
    rows[..., 3:] = limit / 5
    coloured, result = colorize(client, rows, model="orange")
    red, green, blue = (coloured[..., channel].mean() / limit for channel in range(3))
    assert red > green > blue
    assert np.array_equal(coloured[..., 3:], rows[..., 3:])
    assert result["device"] and result["seconds"] > 0


@pytest.mark.parametrize("dtype", ["uint8", "uint16"])
def test_without_colours_grey_stays_what_it_was_value_for_value(client: Client, dtype: str) -> None:
    greys = np.linspace(0, np.iinfo(dtype).max, 2400).astype(dtype).reshape(40, 60, 1)
    rows = np.repeat(greys, 3, axis=2)
    assert np.array_equal(colorize(client, rows, model="grey")[0], rows)


def test_one_worker_serves_photograph_after_photograph(client: Client) -> None:
    for side in (1, 9, 300):
        rows = np.full((side, 2 * side, 3), 128, np.uint8)
        coloured, _ = colorize(client, rows, model="orange")
        assert (coloured[..., 0] > coloured[..., 2]).all()


def test_the_options_reach_the_model(client: Client) -> None:
    rows = np.full((40, 60, 3), 128, np.uint8)

    def yellowness(**options: object) -> int:
        coloured, _ = colorize(client, rows, model="thermometer", **options)
        return int(coloured[0, 0, 0]) - int(coloured[0, 0, 2])

    assert yellowness(temperature=0.2) < yellowness() == yellowness(temperature=0.4) < yellowness(temperature=0.6)
    assert yellowness(strength=0.0) == 0 < yellowness(strength=0.5) < yellowness()


def opened_by_a_reader(fifo: Path) -> BinaryIO:
    """To write to; OSError where nobody reads it within a minute."""
    deadline = time.monotonic() + 60
    while True:
        try:
            descriptor = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.01)
        else:
            os.set_blocking(descriptor, True)
            return os.fdopen(descriptor, "wb")


def test_a_model_is_loaded_before_the_photograph_is_there(tiny: Settings, tmp_path: Path) -> None:
    models = make_models(tmp_path, ["grey", "orange"])  # the first is read unasked
    content = (models / "orange.onnx").read_bytes()
    (models / "orange.onnx").unlink()
    os.mkfifo(models / "orange.onnx")
    with Client(replace(tiny, models=models)) as client:
        client.prepare({"model": "orange"})
        fifo = opened_by_a_reader(models / "orange.onnx")
        fifo.write(content)
        fifo.close()
        assert colorize(client, np.full((40, 60, 3), 128, np.uint8), model="orange")[1]["device"] == "cpu"


def test_what_cannot_be_prepared_is_told_when_it_is_needed(client: Client) -> None:
    client.prepare({"model": "nowhere"})
    client.prepare({"colour": "pink"})
    rows = np.full((40, 60, 3), 128, np.uint8)
    assert colorize(client, rows, model="orange")[1]["device"] == "cpu"
    with pytest.raises(ColorizeError, match="orange"):
        colorize(client, rows, model="nowhere")


def test_a_photograph_that_ends_in_the_middle_is_a_sentence(client: Client, tmp_path: Path) -> None:
    photo, other = tmp_path / "a.jpg", tmp_path / "b.jpg"
    pyvips.Image.gaussnoise(300, 200).cast("uchar").write_to_file(str(photo))
    other.write_text("no photograph that libvips knows")
    for file in (photo, other):
        client.check_is_whole(file)
    photo.write_bytes(photo.read_bytes()[:-5000])
    with pytest.raises(ColorizeError, match=r"a\.jpg is damaged or ends in the middle"):
        client.check_is_whole(photo)


def test_progress_is_told_along_the_way(client: Client) -> None:
    told: list[tuple[float, str]] = []
    with client.pixels(GREY) as pixels:
        pixels.write(bytes(GREY.bytes))
        client.colorize(pixels, {}, lambda fraction, text: told.append((fraction, text)))
    fractions = [fraction for fraction, _ in told]
    assert len(told) > 1 and fractions == sorted(fractions) and fractions[0] >= 0 and fractions[-1] <= 1
    assert all(text for _, text in told)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"model": "nowhere"}, "orange"),
        ({"temperature": 7.0}, "temperature"),
        ({"strength": -1.0}, "strength"),
        ({"device": "abacus"}, "device"),
        ({"colour": "pink"}, "colour"),
    ],
)
def test_a_bad_option_is_a_sentence_and_the_worker_lives_on(
    client: Client, options: dict[str, object], said: str
) -> None:
    rows = np.full((40, 60, 3), 128, np.uint8)
    with pytest.raises(ColorizeError, match=said):
        colorize(client, rows, **options)
    assert colorize(client, rows, model="orange")[1]["device"]


def test_a_damaged_model_is_a_sentence_and_the_worker_lives_on(tiny: Settings, tmp_path: Path) -> None:
    models = make_models(tmp_path, ["orange", "grey"])
    (models / "orange.onnx").write_bytes(b"not this")
    rows = np.full((40, 60, 3), 128, np.uint8)
    with Client(replace(tiny, models=models)) as client:
        with pytest.raises(ColorizeError, match=r"orange.*damaged.*install\.py"):
            colorize(client, rows, model="orange")
        assert np.array_equal(colorize(client, rows, model="grey")[0], rows)


def test_a_missing_models_folder_is_a_sentence(tiny: Settings, tmp_path: Path) -> None:
    with Client(replace(tiny, models=tmp_path / "gone")) as client, pytest.raises(ColorizeError, match=r"install\.py"):
        colorize(client, np.zeros((4, 4, 3), np.uint8))


def test_a_python_that_is_gone_is_a_sentence(tiny: Settings, tmp_path: Path) -> None:
    with pytest.raises(ColorizeError, match=r"cannot be started.*install\.py again"):
        Client(replace(tiny, python=tmp_path / "bin" / "python"))


def test_a_python_without_the_package_is_a_sentence_that_names_the_log(tiny: Settings) -> None:
    with pytest.raises(ColorizeError, match=r"colorize-neural\.log.*install\.py again"):
        Client(replace(tiny, python=Path(sys.base_prefix, "bin", "python3")))


def test_a_worker_of_another_version_is_a_sentence(tiny: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("colorize_neural.client.__version__", "99")
    with pytest.raises(ColorizeError, match=rf"version 99 .* version {__version__}.*install\.py again"):
        Client(tiny)


def test_a_worker_killed_in_mid_work_is_a_sentence_and_leaves_no_file(tiny: Settings) -> None:
    before = children()
    with Client(tiny) as client, client.pixels(GREY) as pixels:
        (worker,) = children() - before
        pixels.write(bytes(GREY.bytes))

        def kill(_fraction: float, text: str) -> None:
            os.kill(worker, signal.SIGKILL)

        with pytest.raises(ColorizeError, match=r"stopped in mid-work.*try again"):
            client.colorize(pixels, {"model": "hours"}, kill)
    assert not pixel_files(os.getpid())


def test_pixels_that_find_no_room_are_a_sentence(client: Client) -> None:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.raises(ColorizeError, match=r"no room in .*please free.*try again"), client.pixels(GREY) as pixels:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, usual[1]))
        try:
            pixels.write(bytes(GREY.bytes))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert not pixel_files(os.getpid())


def test_the_file_has_no_name_while_the_photograph_is_at_work(client: Client) -> None:
    with client.pixels(GREY) as pixels:
        assert not pixel_files(os.getpid())
        pixels.write(bytes(GREY.bytes))
        named: list[Path] = []
        client.colorize(pixels, {}, lambda _fraction, _text: named.extend(pixel_files(os.getpid())))
        assert not named


def test_a_worker_whose_front_end_is_killed_ends_in_mid_work(tiny: Settings, tmp_path: Path) -> None:
    front_end = f"""
from pathlib import Path
from colorize_neural.client import Client
from colorize_neural.protocol import Shape
from colorize_neural.settings import Settings
shape = Shape(60, 40, 3, "uint8")
with Client(Settings(Path({str(tiny.python)!r}), Path({str(tiny.models)!r}), "")) as client:
    with client.pixels(shape) as pixels:
        pixels.write(bytes(shape.bytes))
        print(client._worker.pid, flush=True)
        client.colorize(pixels, {{"model": "hours"}}, lambda fraction, text: print(text, flush=True))
"""
    with subprocess.Popen([tiny.python, "-c", front_end], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        worker = int(process.stdout.readline())
        assert process.stdout.readline()
        process.kill()
    deadline = time.monotonic() + 2
    while Path(f"/proc/{worker}/stat").exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not Path(f"/proc/{worker}").exists()
    assert not pixel_files(process.pid)


def test_files_of_front_ends_that_died_are_swept_and_those_of_living_ones_kept(tiny: Settings) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as dead:
        pass
    left, kept = (FOLDERS[1] / f"colorize-neural-{process}-x.pixels" for process in (dead.pid, os.getpid()))
    left.touch()
    kept.touch()
    with Client(tiny):
        assert not left.exists() and kept.exists()
    kept.unlink()


def test_a_folder_with_spaces_quotes_and_other_letters_works(tiny: Settings, tmp_path: Path) -> None:
    models = make_models(tmp_path / 'Zoë\'s "été" 写真', ["orange"])
    with Client(replace(tiny, models=models)) as client:
        assert colorize(client, np.full((40, 60, 3), 128, np.uint8))[1]["device"]


def test_an_unexpected_failure_names_a_log_file_that_holds_the_traceback(
    tiny: Settings, tmp_path: Path, own_log: Path
) -> None:
    with Client(tiny) as client, pytest.raises(ColorizeError, match=re.escape(str(own_log))):
        client._ask("open", path=str(tmp_path / "nothing.pixels"))
    assert "FileNotFoundError" in own_log.read_text()


def test_an_unexpected_failure_with_a_name_that_is_no_text_is_logged_too(own_log: Path) -> None:
    assert settings.logged(OSError("\udcff")).startswith("Something unexpected went wrong (OSError: \\udcff)")
    assert "OSError: \\udcff" in own_log.read_text()


def test_an_unexpected_failure_on_a_full_disk_is_a_sentence_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "log_file", lambda: Path("/dev/full"))
    assert settings.logged(MemoryError()).startswith("Something unexpected went wrong (MemoryError): please report it")
