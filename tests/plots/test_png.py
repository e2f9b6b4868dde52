"""Damage to any byte of a picture is seen."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from worldvae.plots.png import is_whole_png


def test_every_flipped_bit_of_a_picture_is_seen(tmp_path: Path) -> None:
    path = tmp_path / "picture.png"
    pixels = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3)
    whole = cv2.imencode(".png", pixels)[1].tobytes()
    path.write_bytes(whole)
    assert is_whole_png(path)
    for place in range(len(whole)):
        data = bytearray(whole)
        data[place] ^= 1 << place % 8
        path.write_bytes(data)
        assert not is_whole_png(path), place
    for data in (b"", whole[:-1], whole[:8], whole + b"\0"):
        path.write_bytes(data)
        assert not is_whole_png(path)
