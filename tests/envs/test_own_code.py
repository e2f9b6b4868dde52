"""The hash of an environment's own code changes with that code, and with nothing else."""

from __future__ import annotations

import importlib
from importlib import metadata
from pathlib import Path

import gymnasium as gym
import pytest

from worldvae.envs import EnvConfig
from worldvae.envs import own_code as module
from worldvae.envs.own_code import own_code

REGISTERS = "import gymnasium as gym\n\ngym.register('own/{0}-v0', '{0}:Robot')\n"


@pytest.fixture(autouse=True)
def _as_in_a_new_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    begin_anew()


def begin_anew() -> None:
    importlib.invalidate_caches()
    module._hash.cache_clear()


def config(name: str) -> EnvConfig:
    return EnvConfig.model_validate({"id": f"own/{name}-v0", "import": name})


def test_of_a_file_the_hash_follows_its_text(tmp_path: Path) -> None:
    file = tmp_path / "own_file.py"
    file.write_text(REGISTERS.format("own_file"))
    before = own_code(config("own_file"))
    assert [*before] == ["code of own_file"]
    file.write_text(file.read_text() + "REWARD = 2\n")
    assert own_code(config("own_file")) == before, "what runs is what was imported"
    begin_anew()
    after = own_code(config("own_file"))
    assert after.keys() == before.keys()
    assert after != before


def test_of_a_package_it_follows_every_file_of_code(tmp_path: Path) -> None:
    inner = tmp_path / "own_package" / "physics"
    inner.mkdir(parents=True)
    (inner.parent / "__init__.py").write_text(REGISTERS.format("own_package"))
    (inner / "wheel.py").write_text("GRIP = 1\n")
    before = own_code(config("own_package"))
    (inner / "notes.txt").write_text("grip?\n")
    (inner.parent / ".venv").mkdir()
    (inner.parent / ".venv" / "other.py").write_text("")
    begin_anew()
    assert own_code(config("own_package")) == before
    (inner / "wheel.py").write_text("GRIP = 2\n")
    begin_anew()
    assert own_code(config("own_package")) != before


def test_a_class_that_no_import_names_is_found_by_its_registration(tmp_path: Path) -> None:
    (tmp_path / "own_class.py").write_text("class Robot: pass\n")
    gym.register("own/Class-v0", "own_class:Robot")
    assert [*own_code(EnvConfig(id="own/Class-v0"))] == ["code of own_class"]


@pytest.mark.parametrize("name", ["worldvae/Dots-v0", "CartPole-v1", "ALE/Pong-v5"])
def test_what_every_result_names_is_not_named_twice(name: str) -> None:
    assert own_code(EnvConfig(id=name)) == {}


def test_of_an_installed_package_it_is_the_version() -> None:
    config = EnvConfig.model_validate({"id": "MiniGrid-Empty-5x5-v0", "import": "minigrid"})
    assert own_code(config) == {"version of minigrid": metadata.version("minigrid")}
