"""Files that are edited and sealed anew, as their writer would have written them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from worldvae.checksum import CHECKSUM, write_checked


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Let `change` work on the values of a sealed JSON file."""
    values = json.loads(path.read_text())
    values.pop(CHECKSUM, None)
    change(values)
    write_checked(path, values)


def amend(path: Path, **changes: object) -> None:
    """Change those keys of a sealed JSON file."""
    edit(path, lambda values: values.update(changes))
