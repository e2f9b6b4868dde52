"""The command lines that results record as their origin."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path


def command_of(script: str, *arguments: object) -> str:
    """Return the command line that calls `scripts/SCRIPT.py` with these arguments."""
    return shlex.join(["python", "-m", f"scripts.{script}", *map(str, arguments)])


def exact_command() -> str:
    """Return this process's command line, to be repeated from the root of the checkout."""
    script = Path(sys.argv[0])
    is_ours = script.parent.name == "scripts"
    program = ["-m", f"scripts.{script.stem}"] if is_ours else [script.name]
    return shlex.join(["python", *program, *sys.argv[1:]])
