"""How a command writes what is not its result."""

from __future__ import annotations

import subprocess
import sys

CODE = """
from agents.jobs.exit import run
from gymnasium import logger

run(lambda: logger.warn("the obs is %s", "outside"))
"""


def test_a_warning_of_gymnasium_is_one_plain_line() -> None:
    command = [sys.executable, "-c", CODE]
    ended = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    assert ended.stderr == "warning: the obs is outside\n"
