"""The command that a result came from."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def command_of(script: str, *words: object) -> str:
    """The command that calls `scripts/SCRIPT.py` with those words, as it can be typed."""
    return shlex.join(["python", "-m", f"scripts.{script}", *map(str, words)])


def exact_command() -> str:
    """What was typed, as it can be typed again from the root of the checkout."""
    script = Path(sys.argv[0])
    is_ours = script.parent.name == "scripts"
    program = ["-m", f"scripts.{script.stem}"] if is_ours else [script.name]
    return shlex.join(["python", *program, *sys.argv[1:]])
