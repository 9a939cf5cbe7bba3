"""One photograph through the colorizer: what a run promises, whatever the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from colorize_neural.errors import ColorizeError
from colorize_neural.settings import Settings
from colorize_neural.worker.color import Float, lab_from_rgb, rgb_in_gamut
from colorize_neural.worker.colorizer import Colorizer, Options
from colorize_neural.worker.pixels import lightness, paint
from colorize_neural.worker.sessions import Session
from colorize_neural.worker.upsample import Enlarger
from numpy.typing import NDArray

from tests.tiny_models import make_models

SAMPLE = Path(__file__).parents[1] / "samples" / "migrant-mother-1936.jpg"
Pixels = NDArray[Any]


@pytest.fixture
def colorizer(tiny: Settings) -> Colorizer:
    return Colorizer(tiny.models)


@pytest.fixture(scope="module")
def one_size(tmp_path_factory: pytest.TempPathFactory) -> Colorizer:
    return Colorizer(make_models(tmp_path_factory.mktemp("models"), ["padded", "squeezed"]))


@pytest.fixture(scope="module")
def photograph() -> Pixels:
    return np.asarray(cv2.imread(str(SAMPLE)))


def coloured(colorizer: Colorizer, pixels: Pixels, **options: Any) -> Pixels:
    result = pixels.copy()
    colorizer.colorize(result, Options(**options), lambda _fraction, _text: None)
    return result


def lab(pixels: Pixels) -> Pixels:
    scale = 1.0 if pixels.dtype == np.float32 else float(np.iinfo(pixels.dtype).max)
    return lab_from_rgb(pixels[..., :3].astype(np.float32) / np.float32(scale))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_without_colour_the_output_is_the_input_value_for_value(colorizer: Colorizer, dtype: type) -> None:
    ramp = np.linspace(0, np.iinfo(dtype).max, 300 * 301).round().astype(dtype).reshape(300, 301)
    grey = np.repeat(ramp[..., None], 3, axis=2)
    assert np.array_equal(coloured(colorizer, grey, model="grey"), grey)
    partly = grey.copy()
    partly[:, 0, 0] //= 2  # no grey photograph any more
    assert np.array_equal(coloured(colorizer, partly, model="grey")[:, 1:], grey[:, 1:])


def test_a_float_photograph_keeps_even_what_is_brighter_than_white(colorizer: Colorizer) -> None:
    grey = np.repeat(np.linspace(0, 1.5, 4096, dtype=np.float32).reshape(64, 64, 1), 3, axis=2)
    assert np.abs(coloured(colorizer, grey, model="grey") - grey).max() < 1e-5


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.uint8, 0.3), (np.uint16, 0.01), (np.float32, 0.01)])
def test_lightness_is_the_users(colorizer: Colorizer, photograph: Pixels, dtype: Any, tolerance: float) -> None:
    pixels = (photograph * {np.uint8: 1.0, np.uint16: 257.0, np.float32: 1 / 255}[dtype]).astype(dtype)
    result = coloured(colorizer, pixels, model="orange")
    assert np.abs(lightness(result) - lightness(pixels)).mean() < tolerance
    assert np.median(lab(result)[..., 2]) > 30


@pytest.mark.parametrize(("dtype", "step"), [(np.uint8, 1), (np.uint16, 1), (np.float32, 1e-4)])
def test_alpha_is_kept_and_changes_no_colour(
    colorizer: Colorizer, photograph: Pixels, dtype: type, step: float
) -> None:
    pixels: Pixels = (photograph / (255 if dtype is np.float32 else 1)).astype(dtype)
    alpha: Pixels = np.arange(photograph[..., 0].size).reshape(photograph.shape[:2]).astype(np.uint8).astype(dtype)
    result = coloured(colorizer, np.dstack([pixels, alpha]), model="orange")
    assert np.array_equal(result[..., 3], alpha)
    assert np.allclose(result[..., :3], coloured(colorizer, pixels, model="orange"), rtol=0, atol=step)


def test_a_strip_of_film_is_coloured_all_along(colorizer: Colorizer) -> None:
    strip = np.full((200, 200 * 100, 3), 128, np.uint8)
    assert np.ptp(coloured(colorizer, strip, model="orange").reshape(-1, 3), axis=0).max() <= 1


def test_a_sepia_photograph_is_first_reduced_to_its_lightness(colorizer: Colorizer, photograph: Pixels) -> None:
    sepia = np.clip(photograph * [1.0, 0.85, 0.6], 0, 255).round().astype(np.uint8)
    result = coloured(colorizer, sepia, model="grey")
    assert np.ptp(result, axis=2).max() == 0
    assert np.abs(lightness(result) - lightness(sepia)).mean() < 0.3


def test_strength_multiplies_the_chroma(colorizer: Colorizer) -> None:
    grey = np.full((80, 80, 3), 128, np.uint8)
    once, half, none = (lab(coloured(colorizer, grey, model="orange", strength=s))[40, 40] for s in (1.0, 0.5, 0.0))
    assert once[1:] == pytest.approx([20, 40], abs=0.6)
    assert half[1:] == pytest.approx([10, 20], abs=0.6)
    assert none[1:] == pytest.approx([0, 0], abs=0.01)


def test_temperature_reaches_the_network_and_left_alone_is_the_models_own(colorizer: Colorizer) -> None:
    grey = np.full((80, 80, 3), 128, np.uint8)
    told, own = (lab(coloured(colorizer, grey, model="thermometer", temperature=t))[40, 40, 2] for t in (0.2, None))
    assert told == pytest.approx(20, abs=0.6)
    assert own == pytest.approx(40, abs=0.6)


def test_warmth_moves_colours_towards_orange_or_blue_and_leaves_grey_alone(colorizer: Colorizer) -> None:
    grey = np.full((80, 80, 3), 128, np.uint8)
    colder, own, warmer = (lab(coloured(colorizer, grey, model="orange", warmth=w))[40, 40] for w in (-1.0, 0.0, 1.0))
    assert colder[1] < own[1] < warmer[1]
    assert colder[2] < own[2] < warmer[2]
    assert np.array_equal(coloured(colorizer, grey, model="grey", warmth=1.0), grey)


def test_only_another_photograph_model_or_temperature_runs_the_network_again(
    tiny: Settings, colorizer: Colorizer, photograph: Pixels, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs: list[list[float]] = []
    run = Session.run

    def counted(session: Session, L: Float, temperatures: Sequence[float]) -> Float:
        runs.append([*temperatures])
        return run(session, L, temperatures)

    monkeypatch.setattr(Session, "run", counted)

    def colour(pixels: Pixels, foreseen: Sequence[float] = (), **options: Any) -> Pixels:
        result = pixels.copy()
        colorizer.colorize(result, Options(model="thermometer", **options), lambda _fraction, _text: None, foreseen)
        return result

    first = colour(photograph, foreseen=[0.2, 0.9])
    colour(photograph, strength=0.5, warmth=0.3, edge_guidance=False)
    foreseen = colour(photograph, temperature=0.9)
    assert runs == [[0.2, 0.9, 0.4]]
    again = coloured(Colorizer(tiny.models), photograph, model="thermometer", temperature=0.9)
    assert np.array_equal(foreseen, again)
    colour(photograph, temperature=0.6)
    colour(photograph[::-1])
    assert len(runs) == 4
    assert np.array_equal(colour(photograph), first)


def test_a_pixel_that_is_no_number_spoils_no_other(colorizer: Colorizer) -> None:
    grey = np.full((80, 80, 3), 0.5, np.float32)
    grey[3, 4], grey[50, 60], grey[20:30] = np.nan, np.inf, 0
    with np.errstate(invalid="ignore"):
        result = coloured(colorizer, grey, model="orange")
    assert (~np.isfinite(result)).any(axis=2).sum() <= 2
    assert lab(result)[40, 40, 1:] == pytest.approx([20, 40], abs=0.6)
    assert np.abs(result[20:30]).max() < 1e-3


def test_a_manifest_that_says_too_little_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "manifest.json").write_text('{"models": []}')
    with pytest.raises(ColorizeError, match="damaged"):
        Colorizer(tmp_path)


@pytest.mark.parametrize("size", [(64, 64), (40, 80), (300, 200), (1, 500), (500, 1)])
def test_a_network_of_one_size_sees_the_whole_photograph_and_its_padding_is_cut_off(
    one_size: Colorizer, size: tuple[int, int]
) -> None:
    grey = np.full((*size, 3), 186, np.uint8)
    result = lab(coloured(one_size, grey, model="padded"))  # what it takes for padding becomes blue
    assert np.abs(result[..., 1:] - [20, 40]).max() < 0.6


def test_a_photograph_is_squeezed_for_a_network_of_one_size_without_padding(one_size: Colorizer) -> None:
    grey = np.full((40, 160, 3), 186, np.uint8)
    grey[:, 80:] = 119  # a lightness of 50
    orange, blue = lab(coloured(one_size, grey, model="squeezed"))[[0, -1], [0, -1], 1:]
    assert orange == pytest.approx([20, 40], abs=0.6)
    assert blue == pytest.approx([0, -40], abs=0.6)


@pytest.mark.parametrize("size", [(1, 1), (1, 400_000), (3, 2), (1700, 31)])
def test_any_size_and_shape_is_coloured(colorizer: Colorizer, size: tuple[int, int]) -> None:
    grey = np.full((*size, 3), 128, np.uint8)
    result = lab(coloured(colorizer, grey, model="orange"))
    assert np.abs(result[..., 1:] - [20, 40]).max() < 0.6


def test_a_photograph_gets_the_same_colours_at_twice_its_size(colorizer: Colorizer, photograph: Pixels) -> None:
    twice = cv2.resize(photograph, None, fx=2, fy=2, interpolation=cv2.INTER_LANCZOS4)
    small, large = (lab(coloured(colorizer, pixels, model="orange")) for pixels in (photograph, twice))
    again = cv2.resize(large, small.shape[1::-1], interpolation=cv2.INTER_AREA)
    assert np.abs(small - again)[..., 1:].mean() < 2


def enlarged(enlarger: Enlarger, L: Float, top: int = 0) -> Float:
    """ab (n, w, 2) of the rows from `top`, whose lightness is L (n, w)."""
    y = (L + 16) / 116
    x, z = enlarger.rows(top, y)
    return np.dstack([500 * (x - y), 200 * (y - z)])


def test_guided_colours_end_where_things_end() -> None:
    edge, size = 309, (400, 600)  # far from the borders of the cells
    L = np.broadcast_to(np.where(np.arange(size[1]) < edge, np.float32(20), np.float32(80)), size)
    ab = cv2.resize(np.dstack([L - 50, L - 50]), (38, 25), interpolation=cv2.INTER_AREA)
    guided, plain = (enlarged(Enlarger(ab, L, size, guided=guided), L)[:, edge - 8 : edge] for guided in (True, False))
    assert np.abs(guided + 30).mean() < np.abs(plain + 30).mean() / 2


def test_guidance_blurs_no_colours(photograph: Pixels) -> None:
    L = lightness(photograph)
    ab = cv2.blur(np.random.default_rng(1).uniform(-100, 100, (64, 52, 2)).astype(np.float32), (3, 3))
    reduced = cv2.resize(enlarged(Enlarger(ab, L, L.shape, guided=True), L), (52, 64), interpolation=cv2.INTER_AREA)
    assert np.abs(reduced - ab).mean() < 0.1 * np.abs(ab).mean()


def test_strips_leave_no_seams(photograph: Pixels) -> None:
    L = lightness(photograph)
    ab = np.random.default_rng(1).uniform(-50, 50, (64, 52, 2)).astype(np.float32)
    enlarger = Enlarger(ab, L[::2, ::2], L.shape, guided=True)
    strips = [enlarged(enlarger, L[top : top + 37], top) for top in range(0, len(L), 37)]
    assert np.abs(np.concatenate(strips) - enlarged(enlarger, L)).max() < 1e-3


@pytest.mark.parametrize(("dtype", "channels"), [(np.uint8, 3), (np.uint8, 4), (np.uint16, 3), (np.uint16, 4)])
def test_what_is_painted_in_strips_is_what_the_whole_would_be(photograph: Pixels, dtype: type, channels: int) -> None:
    size = (1100, 900)  # of several strips and pieces, most of whose colours are out of the gamut
    kind, most = np.dtype(dtype), np.iinfo(dtype).max
    pixels = np.full((*size, channels), most, kind)
    pixels[..., :3] = cv2.resize(photograph, size[::-1]).astype(kind) * (most // 255)
    ab = np.random.default_rng(1).uniform(-100, 100, (64, 52, 2)).astype(np.float32)
    L = lightness(pixels)
    enlarger = Enlarger(ab, cv2.resize(L, (104, 128), interpolation=cv2.INTER_AREA), size, guided=True)
    whole = rgb_in_gamut(L, enlarged(enlarger, L))
    paint(pixels, enlarger, threads=2, progress=lambda _share: None)
    assert np.abs(pixels[..., :3] / most - whole).max() < 1 / 255
    assert (pixels[..., 3:] == most).all()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"temperature": 0.0}, "from 0.05 to 1"),
        ({"temperature": float("nan")}, "from 0.05 to 1"),
        ({"strength": -1.0}, "from 0 to 2"),
        ({"warmth": 1.5}, "from -1 to 1"),
        ({"device": "tpu"}, "auto, cpu, gpu"),
        ({"device": "gpu"}, "choose the device auto or cpu"),
        ({"model": "nobody"}, "orange, grey"),
    ],
)
def test_an_option_out_of_range_is_a_sentence(colorizer: Colorizer, options: dict[str, Any], words: str) -> None:
    grey = np.full((8, 8, 3), 128, np.uint8)
    with pytest.raises(ColorizeError, match=words):
        coloured(colorizer, grey, **options)


def test_auto_says_why_it_ran_on_the_cpu(colorizer: Colorizer) -> None:
    outcome = colorizer.colorize(np.full((8, 8, 3), 128, np.uint8), Options(), lambda _fraction, _text: None)
    assert outcome.device == "cpu"
    assert outcome.note.startswith("Ran on the CPU, because ")
