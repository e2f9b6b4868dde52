"""Each result names the command that makes it, and no process pretends to have been typed."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from agents.run.command import command_of, exact_command

ROOT = Path(__file__).parents[3]


def test_a_command_can_be_typed() -> None:
    path = Path("runs/my run/config.yaml")
    command = command_of("train", path, "--arm", "latent", "--seed", 3)
    assert command == "python -m scripts.train 'runs/my run/config.yaml' --arm latent --seed 3"


def test_what_was_typed_is_named_in_the_same_words(monkeypatch: pytest.MonkeyPatch) -> None:
    words = [str(ROOT / "scripts" / "train.py"), "a.yaml", "--arm", "latent"]
    monkeypatch.setattr(sys, "argv", words)
    assert exact_command() == command_of("train", *words[1:])


def bent(path: Path) -> Iterator[str]:
    """Where a module imports runpy or assigns to sys.argv."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import) and any(one.name == "runpy" for one in node.names):
            yield f"{path}:{node.lineno}"
        if isinstance(node, ast.ImportFrom) and node.module == "runpy":
            yield f"{path}:{node.lineno}"
        is_written = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
        if is_written and ast.unparse(node) == "sys.argv":
            yield f"{path}:{node.lineno}"


def test_no_module_runs_another_as_a_script_or_writes_what_was_typed(tmp_path: Path) -> None:
    parts = ("agents", "worldvae", "scripts")
    paths = [path for part in parts for path in (ROOT / part).rglob("*.py")]
    assert len(paths) > 100
    assert [place for path in paths for place in bent(path)] == []
    guilty = tmp_path / "guilty.py"
    guilty.write_text("import runpy\nimport sys\nsys.argv = ['train']\n")
    assert list(bent(guilty)) == [f"{guilty}:1", f"{guilty}:3"]
