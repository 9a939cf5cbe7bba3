"""A download against a real server that breaks off, lies, redirects and is slow: whole and right, or not there."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from colorize_neural import cli, settings
from colorize_neural.download import download
from colorize_neural.errors import ColorizeError
from colorize_neural.settings import ADDED_VARIABLE, MODELS_VARIABLE, Settings
from colorize_neural.worker.models import read_added

from tests.foreign_models import write_foreign

CONTENT = bytes(range(256)) * 4000
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Server(ThreadingHTTPServer):
    """Serves one content in many ways: what is asked for is the way."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.content = CONTENT
        self.asked: list[str] = []  # "path range"

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that no longer waits is no surprise."""

    def address(self, way: str) -> str:
        return f"http://127.0.0.1:{self.server_port}/{way}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        way = self.path.rpartition("/")[2]
        told = self.headers.get("Range", "")
        self.server.asked.append(f"{way} {told}".strip())
        if way in ("404", "503"):
            self.send_error(int(way))
        elif way == "insecure":
            self.send_response(302)
            self.send_header("Location", "http://example.org/model.onnx")
            self.end_headers()
        else:
            self._send(way, int(told[6:-1]) if told and way != "forgetful" else 0)

    def _send(self, way: str, start: int) -> None:
        rest = self.server.content[start:]
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(2 << 30 if way == "vast" else len(rest)))
        self.end_headers()
        if way in ("dropped", "forgetful") and len(self.server.asked) < 3:
            rest = rest[: len(rest) // 3]
        if way == "silent" and len(self.server.asked) == 1:
            self.wfile.write(rest[:1000])
            time.sleep(3)
        elif way == "slow":
            for place in range(0, len(rest), 100_000):
                self.wfile.write(rest[place : place + 100_000])
                time.sleep(0.05)
        else:
            self.wfile.write(rest)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as http.server has it
        pass


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    for name in ("http_proxy", "https_proxy", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    with Server() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def fetch(server: Server, way: str, folder: Path, sha256: str = SHA256) -> Path:
    return download(server.address(way), sha256, folder, lambda _done, _size: None, silence=1.0)


@pytest.mark.parametrize("way", ["whole", "slow", "silent", "dropped", "forgetful"])
def test_a_file_arrives_whole_however_the_server_behaves(server: Server, way: str, tmp_path: Path) -> None:
    file = fetch(server, way, tmp_path)
    assert file.read_bytes() == CONTENT
    assert list(tmp_path.iterdir()) == [file]


def test_a_download_that_was_broken_off_goes_on_where_it_stopped(server: Server, tmp_path: Path) -> None:
    (tmp_path / f"{SHA256}.part").write_bytes(CONTENT[:5000])
    assert fetch(server, "whole", tmp_path).read_bytes() == CONTENT
    assert server.asked == ["whole bytes=5000-"]


def test_a_wrong_hash_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(ColorizeError, match="not the file of that SHA-256"):
        fetch(server, "whole", tmp_path, sha256="0" * 64)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("way", "words"),
    [
        ("404", r"answers 404 \(Not Found\)"),
        ("503", "cannot be fetched"),
        ("vast", "more than 1 GB"),
        ("insecure", "over https only"),
    ],
)
def test_what_cannot_be_fetched_is_a_sentence(server: Server, way: str, words: str, tmp_path: Path) -> None:
    with pytest.raises(ColorizeError, match=words):
        fetch(server, way, tmp_path)
    assert not (tmp_path / SHA256).exists()


@pytest.mark.parametrize("url", ["http://example.org/m.onnx", "file:///etc/passwd", "ftp://127.0.0.1/m", "https://"])
def test_only_https_is_fetched(url: str, tmp_path: Path) -> None:
    with pytest.raises(ColorizeError, match="over https only"):
        download(url, SHA256, tmp_path, lambda _done, _size: None)


def test_a_server_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with Server() as gone:
        address = gone.address("whole")
    with pytest.raises(ColorizeError, match="check the connection and the proxy"):
        download(address, SHA256, tmp_path, lambda _done, _size: None, silence=1.0)


def test_the_proxy_of_the_environment_is_used(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("http_proxy", server.address(""))
    url = "http://localhost:1/through-the-proxy"  # where nobody listens
    assert download(url, SHA256, tmp_path, lambda _done, _size: None).read_bytes() == CONTENT
    assert server.asked == ["through-the-proxy"]


def test_a_model_is_added_by_its_address(
    server: Server, tiny: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(MODELS_VARIABLE, str(tiny.models))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    monkeypatch.delenv(ADDED_VARIABLE, raising=False)
    server.content = write_foreign(tmp_path / "made.onnx", "eccv16").read_bytes()
    sha256 = hashlib.sha256(server.content).hexdigest()
    url = server.address("colours.onnx")
    assert cli.main(["models", "add", url]) == 1
    assert "needs --sha256" in capsys.readouterr().err
    assert cli.main(["models", "add", url, "--sha256", sha256, "--id", "orange"]) == 1
    assert 'already a model "orange"' in capsys.readouterr().err
    assert cli.main(["models", "add", url, "--sha256", sha256]) == 0
    assert server.asked == ["colours.onnx"]
    (model,) = read_added(settings.added_models_folder())
    assert model.id == "colours"
    assert list((settings.data_folder() / "downloads").iterdir()) == []
