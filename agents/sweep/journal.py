"""Stores the trials of a sweep for Optuna in a log whose lines have checksums."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from optuna.storages.journal import BaseJournalBackend

from worldvae.jsonl import append_jsonl, read_jsonl

JOURNAL_REMEDY = "remove the file: trials that are finished are only measured again"


class Journal(BaseJournalBackend):
    """The log at `path`; the caller holds the sweep's lock, so no other process writes.

    An incomplete last line, left by a kill, is dropped. Raises ArtifactError for a damaged line.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lines: list[dict[str, Any]] = []
        self._size = -1

    def read_logs(self, log_number_from: int) -> list[dict[str, Any]]:
        """Return the lines from that number on; all curves of a sweep share them."""
        if self._bytes() != self._size:
            self._lines, self._size = read_jsonl(self._path, JOURNAL_REMEDY), self._bytes()
        return self._lines[log_number_from:]

    def append_logs(self, logs: list[dict[str, Any]]) -> None:
        """Append one line for each log."""
        is_current = self._bytes() == self._size
        for log in logs:
            append_jsonl(self._path, log)
        if is_current:
            self._lines, self._size = self._lines + logs, self._bytes()

    def _bytes(self) -> int:
        return self._path.stat().st_size if self._path.exists() else 0
