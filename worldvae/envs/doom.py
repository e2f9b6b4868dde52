"""Runs ViZDoom's engine in a folder of its own, since it writes into the one that it runs in."""

from __future__ import annotations

import os
import shlex
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import gymnasium as gym
from gymnasium.utils import RecordConstructorArgs

PREFIX = "Vizdoom"
"""How the ids of ViZDoom's environments begin."""


class EngineFolder(gym.Wrapper[Any, Any, Any, Any], RecordConstructorArgs):
    """Makes the engine of a ViZDoom environment run in a temporary folder, removed by `close`.

    The engine is another process. It leaves `_vizdoom.ini`, which `doom_config_path` could place,
    and `_vizdoom/`, which nothing can, where it runs; several at once overwrite the same file. So
    the environment is given a program that changes the folder and then becomes the engine. A
    `vizdoom_path` in the environment's arguments is kept, and so is all on Windows.
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        RecordConstructorArgs.__init__(self)
        super().__init__(env)
        game: Any = env.get_wrapper_attr("game")
        self._folder: TemporaryDirectory[str] | None = None
        if os.name == "posix" and not game.get_vizdoom_path():
            self._folder = TemporaryDirectory(prefix="vizdoom-", ignore_cleanup_errors=True)
            _make_paths_absolute(game)
            game.set_vizdoom_path(_launcher(Path(self._folder.name)))

    def close(self) -> None:
        """Close the environment, and remove the folder of its engine."""
        super().close()
        if self._folder is not None:
            self._folder.cleanup()


def _launcher(folder: Path) -> str:
    """Write the program that runs the engine in `folder`; return its path."""
    engine = Path(str(import_module("vizdoom").__file__)).with_name("vizdoom")
    program = folder / "engine"
    program.write_text(
        f'#!/bin/sh\ncd {shlex.quote(str(folder))} && exec {shlex.quote(str(engine))} "$@"\n'
    )
    program.chmod(0o700)
    return str(program)


def _make_paths_absolute(game: Any) -> None:
    """Keep the meaning of relative paths, which begin at the folder that Python runs in."""
    if scenario := game.get_doom_scenario_path():
        game.set_doom_scenario_path(os.path.abspath(scenario))
    if wad := game.get_doom_game_path():
        game.set_doom_game_path(os.path.abspath(wad))
    if settings := game.get_doom_config_path():
        game.set_doom_config_path(os.path.abspath(settings))
