"""The check whether a PNG is whole: each part has a checksum (PNG specification, section 5)."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

from worldvae.files import user_errors

SIGNATURE = b"\x89PNG\r\n\x1a\n"
END = b"IEND"


def is_whole_png(path: Path) -> bool:
    """Tell whether all parts of the picture at `path` match their checksums and nothing follows."""
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
