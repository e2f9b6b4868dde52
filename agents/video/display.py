"""A window that shows pictures as they come."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import cv2

from agents.video.panels import Picture
from worldvae.errors import ConfigError

PROBE = "import cv2; cv2.namedWindow('probe'); cv2.waitKey(1); cv2.destroyAllWindows()"
LEAVE = {27, ord("q")}
"""Escape and q."""


def check_display() -> None:
    """Raise ConfigError where no window can be opened.

    Tried by another process: Qt ends the one that asks it for a window where there is no display.
    """
    tried = subprocess.run([sys.executable, "-c", PROBE], capture_output=True, check=False)
    if tried.returncode:
        raise ConfigError(
            "--window: no display to open a window on; leave --window out to write a film"
        )


def show(title: str, pictures: Iterator[Picture], rate: float) -> None:
    """Show RGB pictures, `rate` a second, until they end, Escape or q, or the window is closed."""
    cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_KEEPRATIO)
    try:
        for picture in pictures:
            cv2.imshow(title, picture[..., ::-1])  # OpenCV shows BGR
            is_left = cv2.waitKey(max(1, round(1000 / rate))) in LEAVE
            if is_left or cv2.getWindowProperty(title, cv2.WND_PROP_VISIBLE) < 1:
                return
    finally:
        cv2.destroyAllWindows()
