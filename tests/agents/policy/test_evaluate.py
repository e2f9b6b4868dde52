"""Episodes that end and those that do not, and whether they reached their goal."""

import json
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch

from agents.policy import evaluate as evaluation
from agents.policy.evaluate import evaluate
from agents.report.summary import summarise
from agents.report.tables.arms import arms_table
from agents.run.load import read_run, write_scores
from agents.train import train
from tests.odd import COLOR, Odd
from tests.tiny import load
from worldvae.envs import EnvConfig
from worldvae.envs.world import RealWorld
from worldvae.errors import WorldvaeError
from worldvae.rollouts import RolloutConfig, RolloutStore, collect
from worldvae.stats import Resampling

ODD = {"id": "odd/Odd-v0", "import": "tests.odd", "workers": "sync"}
ENDLESS = {**ODD, "kwargs": {"length": 10**9}}


class Still:
    """Always acts alike."""

    def begin(self) -> "Still":
        return self

    def __call__(self, obs: Any, episode_start: Any, state: Any = None) -> Any:
        return np.zeros(len(episode_start), int)


class Steps:
    """A world whose episode of seed s has s decisions, of which the t-th pays 10 s + t.

    What follows such an episode pays much, and its every second decision is a success and an end.
    """

    name, has_limit = "steps", False

    def __init__(self) -> None:
        self.resets: list[list[int]] = []

    def make_vec(self, num_envs: int, seed: int) -> "Steps":
        self.num_envs = num_envs
        return self

    def close(self) -> None:
        pass

    def reset(self, seed: list[int]) -> tuple[Any, dict[str, Any]]:
        self.resets.append(seed)
        self._seeds, self._age, self._later = np.array(seed), 0, np.zeros(len(seed), bool)
        return self._shown(), {}

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        self._age += 1
        rewards = np.where(self._later, 1e6, 10 * self._seeds + self._age)
        ended = np.where(self._later, (self._age - self._seeds) % 2 == 0, self._age == self._seeds)
        success = {"is_success": self._later | (self._seeds == 3), "_is_success": ended}
        self._later = self._later | ended
        truncated = ended & (self._seeds % 2 == 0)
        return self._shown(), rewards, ended & ~truncated, truncated, {"final_info": success}

    def _shown(self) -> Any:
        return np.stack([self._seeds, np.full_like(self._seeds, self._age), self._later], 1)


class Watching(Still):
    """Keeps when it was told that episodes start, and begins anew for each part."""

    def __init__(self) -> None:
        self.starts: list[list[list[bool]]] = []

    def begin(self) -> "Watching":
        self.starts.append([])
        return self

    def __call__(self, obs: Any, episode_start: Any, state: Any = None) -> Any:
        self.starts[-1].append(episode_start.tolist())
        return super().__call__(obs, episode_start, state)


def test_each_seed_is_played_to_its_end_and_no_further() -> None:
    world, agent = Steps(), Watching()
    scores = evaluate(agent, world, [2, 3, 1, 4, 2], num_envs=2)  # type: ignore[arg-type]
    assert [(one.seed, one.length) for one in scores] == [(2, 2), (3, 3), (1, 1), (4, 4), (2, 2)]
    assert [one.return_ for one in scores] == [21 + 22, 31 + 32 + 33, 11, 41 + 42 + 43 + 44, 43]
    assert [one.success for one in scores] == [False, True, False, False, False]
    assert world.resets == [[2, 3], [1, 4], [2, 2]], "what is left over plays an episode twice"


class Lucky(Still):
    """Keeps what it draws."""

    def __init__(self) -> None:
        self.drawn: list[float] = []

    def __call__(self, obs: Any, episode_start: Any, state: Any = None) -> Any:
        self.drawn.append(torch.rand(()).item())
        return super().__call__(obs, episode_start, state)


def test_agents_share_episodes_and_not_their_luck() -> None:
    one, same, other = Lucky(), Lucky(), Lucky()
    for agent, seed in ((one, 1), (same, 1), (other, 2)):
        evaluate(agent, Steps(), [3], action_seed=seed)  # type: ignore[arg-type]
    assert one.drawn == same.drawn
    assert one.drawn != other.drawn


def test_agents_are_told_which_episodes_start() -> None:
    agent = Watching()
    evaluate(agent, Steps(), [1, 4, 2], num_envs=2)  # type: ignore[arg-type]
    first, last = agent.starts
    assert first == [[True, True], [True, False], [False, False], [True, False]]
    assert last == [[True, True], [False, False]], "a truncation begins another one, too"


def test_an_episode_without_end_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MAX_DECISIONS", 50)
    with pytest.raises(
        WorldvaeError, match=r"odd/Odd-v0: .* 50 decisions.* env\.max_episode_steps"
    ):
        evaluate(Still(), RealWorld(EnvConfig(**ENDLESS)), [0, 1, 2], num_envs=2)  # type: ignore[arg-type]


def test_a_limit_is_waited_for_however_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "MAX_DECISIONS", 50)
    env = EnvConfig(**{**ENDLESS, "max_episode_steps": 60})
    scores = evaluate(Still(), RealWorld(env), [0, 1, 2], num_envs=2)  # type: ignore[arg-type]
    assert [score.length for score in scores] == [60] * 3


class Dark(Odd):
    """Draws nothing, as where it finds no screen."""

    def _observe(self) -> Any:
        return np.zeros(COLOR, np.uint8)


def test_frames_that_show_nothing_are_told_of(tmp_path: Path) -> None:
    gym.register("odd/Dark-v0", entry_point=Dark, disable_env_checker=True)
    store = RolloutStore.create(tmp_path, EnvConfig(id="odd/Dark-v0", workers="sync"))
    with pytest.warns(UserWarning, match=r"odd/Dark-v0: every .* same frame \(mean grey level 0\)"):
        collect(store, RolloutConfig(frames=100, num_envs=2), seed=0)


def test_who_collects_is_told_of_it_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = RolloutStore.create(tmp_path, EnvConfig(**ENDLESS))
    monkeypatch.setattr(sys.modules["worldvae.rollouts.findings"], "LONG", 90)
    with pytest.warns(UserWarning, match=r"ended within 49 decisions.*env\.max_episode_steps"):
        collect(store, RolloutConfig(frames=100, num_envs=2), seed=0)
    with pytest.warns(UserWarning, match=r"ended within 90 decisions.*env\.max_episode_steps"):
        collect(store, RolloutConfig(frames=200, num_envs=1), seed=0)


class Fragile(Odd):
    """Breaks in the episode of seed 7."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> Any:
        self._breaks = seed == 7
        return super().reset(seed=seed, options=options)

    def step(self, action: Any) -> Any:
        if self._breaks:
            raise KeyError("door")
        return super().step(action)


def test_an_episode_that_breaks_is_named() -> None:
    gym.register("odd/Fragile-v0", entry_point=Fragile, disable_env_checker=True)
    world = RealWorld(EnvConfig(id="odd/Fragile-v0", workers="sync"))
    assert len(evaluate(Still(), world, [5, 6], num_envs=1)) == 2  # type: ignore[arg-type]
    with pytest.raises(WorldvaeError, match=r"odd/Fragile-v0.*door.*episode, seed 7\)$"):
        evaluate(Still(), world, [5, 6, 7], num_envs=1)  # type: ignore[arg-type]
    with pytest.raises(WorldvaeError, match=r"door.* one of the seeds 6 to 7\)$"):
        evaluate(Still(), world, [6, 7], num_envs=2)  # type: ignore[arg-type]


@pytest.mark.parametrize("info", ["success", "none"])
def test_success_is_that_of_the_last_step(info: str) -> None:
    """Episodes of 6, 7 and 8 steps; those with odd numbers of steps succeed."""
    env = EnvConfig(**ODD, kwargs={"info": info})
    scores = evaluate(Still(), RealWorld(env), [0, 0, 1], num_envs=2)  # type: ignore[arg-type]
    told = [False, False, False] if info == "success" else [None] * 3
    assert [score.success for score in scores] == told
    env = EnvConfig(**ODD, kwargs={"info": info, "length": 5})
    scores = evaluate(Still(), RealWorld(env), [0, 0, 1], num_envs=2)  # type: ignore[arg-type]
    told = [True, True, True] if info == "success" else [None] * 3
    assert [score.success for score in scores] == told


@pytest.mark.parametrize(("info", "shown"), [("success", "100 %"), ("none", None)])
def test_success_is_reported(tmp_path: Path, info: str, shown: str | None) -> None:
    env = {**ODD, "kwargs": {"info": info, "length": 5}}
    experiment = load(tmp_path, env=env, **{"agent.env_steps": 120})
    folder = train(experiment, "blind", 0)
    told = json.loads((folder / "result.json").read_text())["evaluation"]["successes"]
    assert told == [True if shown else None] * 4
    run = read_run(experiment.folder)
    rows = dict(arms_table(summarise(run, Resampling.seeded(0))).rows)
    assert rows.get("success rate, mean over seeds", ((None, ""),))[0][0] == shown
    *_, line = write_scores(run).read_text().splitlines()
    assert line.split(",")[6] == ("1" if shown else "")
