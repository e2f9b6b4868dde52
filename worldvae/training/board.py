"""Metrics in the format of TensorBoard; a full disk ends in one line of error."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter

from worldvae.files import user_errors


class Board:
    """Writes scalars for TensorBoard into `folder`; raises ArtifactError if it cannot.

    Args:
        step: Where the run goes on; TensorBoard hides what was written of later steps.
    """

    def __init__(self, folder: Path, step: int) -> None:
        self._folder = folder
        with user_errors(folder), ExitStack() as stack:
            stack.enter_context(quiet_writers())  # its thread writes between calls, too
            self._writer = SummaryWriter(folder, purge_step=step + 1)
            self._quiet = stack.pop_all()

    def add(self, name: str, value: float, step: int) -> None:
        """Write one number."""
        with user_errors(self._folder):
            self._writer.add_scalar(name, value, step)

    def close(self) -> None:
        """Write what is left and close the file."""
        with user_errors(self._folder), self._quiet:
            self._writer.close()


@contextmanager
def quiet_writers() -> Iterator[None]:
    """Keep TensorBoard's threads from printing tracebacks; its next call raises their error."""
    told = threading.excepthook

    def tell(failure: threading.ExceptHookArgs) -> None:
        is_writer = failure.thread is not None and "tensorboard" in type(failure.thread).__module__
        if not (is_writer and isinstance(failure.exc_value, OSError)):
            told(failure)

    threading.excepthook = tell
    try:
        yield
    finally:
        threading.excepthook = told
