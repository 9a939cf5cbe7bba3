"""Photographs as cameras write them, made ready for a training."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import pyvips
from colorize_neural.errors import ColorizeError
from colorize_neural.worker.color import lab_from_rgb
from skimage import data

from export import shrink
from export.photos import find_photos


def test_photographs_come_out_small_upright_and_in_srgb(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    truth = pyvips.Image.new_from_array(data.coffee())  # 600 x 400 pixels
    wide = truth.icc_transform("p3", input_profile="srgb").rot90().copy()
    wide.set_type(pyvips.GValue.gint_type, "orientation", 8)
    photos, small = tmp_path / "photos", tmp_path / "small"
    (photos / "cups").mkdir(parents=True)
    wide.write_to_file(str(photos / "cups" / "p3.jpg"), Q=95)
    truth.copy(interpretation="srgb").colourspace("rgb16").write_to_file(str(photos / "deep.png"))
    (photos / "broken.tif").write_text("no photograph")
    with pytest.raises(SystemExit, match="1"):
        shrink.main([str(photos), "--out", str(small), "--short-side", "100"])
    said = capsys.readouterr()
    assert "2 of 3" in said.out
    assert str(photos / "broken.tif") in said.err
    found = find_photos([small])
    assert [photo.name for photo in found] == ["cups/p3.jpg", "deep.jpg"]
    assert found[0].source == "cups"
    lab = [lab_from_rgb(photo.rgb() / np.float32(255)) for photo in found]
    assert [one.shape for one in lab] == [(100, 150, 3)] * 2
    wanted = lab_from_rgb(truth.thumbnail_image(150).numpy() / np.float32(255))
    assert all(np.abs(one - wanted).mean() < 2 for one in lab)
    written = (small / "deep.jpg").stat().st_mtime_ns
    (photos / "broken.tif").unlink()
    shrink.main([str(photos), "--out", str(small), "--short-side", "50"])
    assert (small / "deep.jpg").stat().st_mtime_ns == written
    with pytest.raises(ColorizeError, match="beside them"):
        shrink.main([str(photos), "--out", str(photos / "small")])
