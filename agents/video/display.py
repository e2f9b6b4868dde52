"""Shows pictures in a window."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import cv2

from agents.video.panels import Picture
from worldvae.errors import ConfigError

PROBE = "import cv2; cv2.namedWindow('probe'); cv2.waitKey(1); cv2.destroyAllWindows()"
QUIT_KEYS = {27, ord("q")}
"""The keys that close the window: Escape and q."""


def check_display() -> None:
    """Raise ConfigError if no window can be opened.

    A subprocess tries it, because without a display Qt kills the process that opens a window.
    """
    probe = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=False)
    if probe.returncode:
        raise ConfigError(
            "--window: no display to open a window on; leave --window out to write a film"
        )


def show(title: str, pictures: Iterator[Picture], rate: float) -> None:
    """Show RGB pictures at `rate` per second until they end or the user closes the window."""
    cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
    try:
        for picture in pictures:
            cv2.imshow(title, picture[..., ::-1])  # OpenCV shows BGR
            is_quit = cv2.waitKey(max(1, round(1000 / rate))) in QUIT_KEYS
            if is_quit or cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1:
                return
    finally:
        cv2.destroyAllWindows()
