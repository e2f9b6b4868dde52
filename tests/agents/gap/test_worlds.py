"""The worlds of a run: cut alike, dreams from held-out first frames, reality as it is evaluated."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from agents.config.gap import GapConfig, Script
from agents.gap.play import play
from agents.gap.scripted import make_scripted
from agents.gap.worlds import RunWorlds
from tests.agents.gap.limited import with_limit
from tests.dynamics.folders import Folders, make_folders
from tests.encoders import DOTS
from worldvae.dynamics.config import DreamSettings
from worldvae.dynamics.starts_file import load_starts
from worldvae.envs import EnvConfig
from worldvae.envs.make_raw import decision_limit

GENERATOR = np.random.default_rng(0)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Folders:
    return make_folders(tmp_path_factory.mktemp("gap"))


def worlds(folders: Folders, env: EnvConfig = DOTS, **gap: object) -> RunWorlds:
    config = GapConfig.model_validate({"num_envs": 2, **gap})
    settings = DreamSettings(horizon=3, starts="any", max_disagreement=1e-9)
    return RunWorlds(env, config, settings, folders.dynamics, "cpu")


def test_both_worlds_are_cut_after_the_same_decisions(folders: Folders) -> None:
    both = worlds(folders, horizon=7)
    policy = make_scripted(Script(random=True), both.action_space, np.random.default_rng(0))
    reality, dream = both.reality(False), both.dream(1.0, "test", 5)
    try:
        real = play(policy, reality, 5, 0)
        policy = make_scripted(Script(random=True), both.action_space, np.random.default_rng(0))
        dreamed = play(policy, dream, 5, 0)
    finally:
        reality.close()
        dream.close()
    assert both.horizon == 7
    for played in (real, dreamed):
        assert played.lengths.max() <= 7
        assert {*played.lengths[played.cut].tolist()} <= {7}, "only the horizon cuts"
    assert real.lengths.max() == 7


def test_the_horizon_counts_decisions_and_the_environments_limit_steps(folders: Folders) -> None:
    assert decision_limit(DOTS) == 60
    repeated = DOTS.model_copy(update={"action_repeat": 4})
    assert decision_limit(repeated) == 15
    assert worlds(folders, repeated).limit == worlds(folders, repeated).horizon == 15
    assert worlds(folders, repeated, horizon=9).limit == 15
    assert worlds(folders, repeated, horizon=9)._task(False).max_episode_steps == 36
    limited = DOTS.model_copy(update={"max_episode_steps": 10})
    assert worlds(folders, limited, horizon=9).horizon == 9
    assert worlds(folders, limited).horizon == 10


def test_a_limit_within_a_decision_is_kept_to_the_step(folders: Folders) -> None:
    """Else policies are paid for steps that no episode of the environment has."""
    limited = worlds(folders, DOTS.model_copy(update={"action_repeat": 4, "max_episode_steps": 10}))
    assert limited.horizon == 3
    assert limited._task(False).max_episode_steps == 10
    registered = worlds(folders, DOTS.model_copy(update={"action_repeat": 7}))
    assert (registered.horizon, registered._task(True).max_episode_steps) == (9, 60)


def test_a_limit_that_only_the_rollouts_show_cuts_dreams_too(
    folders: Folders, tmp_path: Path
) -> None:
    """Else reality is cut by the environment's own step, and dreams go on for 1,000 decisions."""
    shown = with_limit(folders.dynamics, 9, tmp_path / "dynamics")
    both = worlds(Folders(shown, folders.encoder))
    assert both.horizon == 9
    assert both.dream(1.0, "test", 2).source.settings.horizon == 9  # type: ignore[attr-defined]
    assert worlds(Folders(shown, folders.encoder), horizon=7).horizon == 7


def test_dreams_begin_from_first_frames_that_were_held_out(folders: Folders) -> None:
    dream = worlds(folders).dream(0.5, "validation", 3)
    source = dream.source  # type: ignore[attr-defined]
    bank = load_starts(folders.dynamics, "validation", "first", 16, 4_096)
    assert np.array_equal(source.starts.code.numpy(), bank.codes[:, -1].numpy())
    assert (source.settings.temperature, source.settings.horizon) == (0.5, 60)
    assert source.settings.max_disagreement is None
    assert dream.num_envs == 3


def test_where_each_dream_began_is_kept(folders: Folders) -> None:
    dream = worlds(folders, horizon=4).dream(1.0, "test", 3)
    policy = make_scripted(Script(cycle=(1,)), worlds(folders).action_space, GENERATOR)
    _, info = dream.reset(seed=[5, 6, 7])
    played = play(policy, dream, 7, 5, "start")
    assert played.starts[[0, 3, 5]].tolist() == info["start"].tolist(), "the first of each"
    assert play(policy, dream, 2, 5).starts.size == 0


def test_reality_shows_frames_to_those_who_look(folders: Folders) -> None:
    for drawn in (False, True):
        vec = worlds(folders).reality(drawn)
        obs, _ = vec.reset(seed=[3, 4])
        vec.close()
        assert bool(obs.any()) is drawn


def test_what_decides_episodes_is_told(folders: Folders, tmp_path: Path) -> None:
    one = worlds(folders)
    other = RunWorlds(
        DOTS, one.gap, DreamSettings(burn_in=1), make_folders(tmp_path).dynamics, "cpu"
    )
    assert one.decides_reality() == other.decides_reality()
    assert one.decides_dream("test") != other.decides_dream("test")
    assert one.decides_dream("test") != one.decides_dream("validation")
    slower = worlds(folders, DOTS.model_copy(update={"action_repeat": 2}))
    assert one.decides_reality() != slower.decides_reality()
