"""Writes Stable-Baselines3's log of a training as JSON lines and for TensorBoard."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from stable_baselines3.common.logger import KVWriter, Logger, make_output_format

from worldvae.files import user_errors
from worldvae.training.board import quiet_writers

FORMATS = "json", "tensorboard"


@contextmanager
def open_log(folder: Path) -> Iterator[Logger]:
    """Yield a logger that writes into `folder`; ArtifactError if it cannot, as on a full disk."""
    with ExitStack() as stack:
        stack.enter_context(quiet_writers())
        with user_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)
            writers = [
                _CheckedWriter(make_output_format(name, str(folder)), folder) for name in FORMATS
            ]
        for writer in writers:
            stack.callback(writer.close)
        yield Logger(str(folder), list(writers))


class _CheckedWriter(KVWriter):
    """Wraps a writer so that its OSErrors name the folder."""

    def __init__(self, writer: KVWriter, folder: Path) -> None:
        self._writer, self._folder = writer, folder

    def write(self, *arguments: Any, **options: Any) -> None:
        """Call the wrapped writer's `write`."""
        with user_errors(self._folder):
            self._writer.write(*arguments, **options)

    def close(self) -> None:
        """Call the wrapped writer's `close`."""
        with user_errors(self._folder):
            self._writer.close()
