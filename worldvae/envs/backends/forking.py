"""How this process lets others begin: without an interrupt, and with no threads of OpenCV."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

import cv2


@contextmanager
def safe_forking() -> Iterator[None]:
    """Let Ctrl-C and the threads of OpenCV wait until processes have begun, the end of the block.

    A fork copies neither safely.
    """
    with _interrupts_later(), _opencv_without_threads():
        yield


@contextmanager
def _interrupts_later() -> Iterator[None]:
    """Let Ctrl-C wait until the end of the block.

    New processes need the time to ignore it, and what it raises while Python forks is dropped. The
    mask is of this thread alone: where there are others they take the signal, and Python calls its
    handler in the main thread all the same.
    """
    waiting: list[tuple[int, FrameType | None]] = []
    is_main = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGINT)
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        if is_main and callable(handler):
            signal.signal(signal.SIGINT, lambda number, frame: waiting.append((number, frame)))
        yield
    finally:
        if is_main and callable(handler):
            signal.signal(signal.SIGINT, handler)
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        if waiting and callable(handler):
            handler(*waiting[0])


@contextmanager
def _opencv_without_threads() -> Iterator[None]:
    """End OpenCV's threads while processes begin, since a copy of this one would wait for them."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        yield
    finally:
        cv2.setNumThreads(before)
