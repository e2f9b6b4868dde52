"""The health check as a user types it."""

import html
import json
import shlex
from pathlib import Path

from tests.commands import run


def test_diagnose_makes_what_is_missing_and_leaves_its_numbers(tmp_path: Path) -> None:
    words = ["tests/tiny.yaml", "--runs", str(tmp_path), "--name", "x", "--supervised"]
    done = run("scripts.diagnose", *words)
    assert "verdict: unfit" in done.stdout, "twenty steps teach nothing"
    encoder = tmp_path / "x" / "encoder"
    health = json.loads((encoder / "health.json").read_text())
    assert health["findings"][0]["found"] in done.stdout
    assert "supervised" in health["probes"]["mean"]
    assert health["seed"] == 0
    assert health["command"] == f"python -m scripts.diagnose {shlex.join(words)}"
    assert health["command"] in html.unescape((encoder / "health.html").read_text())
