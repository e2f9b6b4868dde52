"""Every error that a user can mend has the class that says what has to be mended."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from worldvae.config import Config, parse_overrides
from worldvae.errors import ArtifactError, ConfigError, TrainingError, WorldvaeError
from worldvae.rollouts import RolloutStore

ROOT = Path(__file__).parents[1]
SOURCES = [
    path for part in ("worldvae", "agents", "scripts") for path in (ROOT / part).rglob("*.py")
]


def made_in(path: Path) -> set[str]:
    """The names of what a module calls, such as `WorldvaeError` in `WorldvaeError("...")`."""
    nodes = ast.walk(ast.parse(path.read_text()))
    called = (node.func for node in nodes if isinstance(node, ast.Call))
    return {function.id for function in called if isinstance(function, ast.Name)}


def test_the_bare_class_is_raised_nowhere() -> None:
    assert len(SOURCES) > 100
    assert [path for path in SOURCES if "WorldvaeError" in made_in(path)] == []


def test_each_kind_is_raised_somewhere() -> None:
    made = set().union(*map(made_in, SOURCES))
    assert {"ConfigError", "ArtifactError", "TrainingError"} <= made


@pytest.mark.parametrize("kind", [ConfigError, ArtifactError, TrainingError])
def test_each_is_caught_as_one_that_a_user_can_mend(kind: type[WorldvaeError]) -> None:
    with pytest.raises(WorldvaeError, match=r"^two lines$"):
        raise kind("two\n  lines")


def test_an_option_and_a_folder_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="is not an option"):
        parse_overrides(["beta"], Config)
    with pytest.raises(ArtifactError, match="does not hold rollouts"):
        RolloutStore(tmp_path)
