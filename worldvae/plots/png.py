"""Figures as PNG files: how they are written, and whether one is whole."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from matplotlib.figure import Figure

from worldvae.files import atomic_file, user_errors

DPI = 160

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"IEND"


def save_png(figure: Figure, path: Path) -> None:
    """Write `figure` on white to `path`, in one step."""
    with atomic_file(path) as file:
        figure.savefig(file, format="png", dpi=DPI, facecolor="white")


def is_whole_png(path: Path) -> bool:
    """Tell whether all parts of the picture at `path` match their checksums and nothing follows.

    Each part has one (PNG specification, section 5).
    """
    with user_errors(path):
        data = path.read_bytes()
    if not data.startswith(SIGNATURE):
        return False
    place = len(SIGNATURE)
    while place + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, place)
        part, place = data[place + 4 : place + 8 + length], place + 12 + length
        if data[place - 4 : place] != struct.pack(">I", zlib.crc32(part)):
            return False
        if part[:4] == END:
            return bool(place == len(data))
    return False
