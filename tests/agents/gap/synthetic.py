"""A world whose ranking of policies is known, dreams of it that are right or wrong, and reports."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from agents.config.gap import GapConfig
from agents.gap.competitors import scripted_competitors
from agents.gap.gap_file import GapReport
from agents.gap.run import GapRun
from agents.gap.worlds import Part
from worldvae.rollouts.config import RolloutConfig

ROLLOUTS = RolloutConfig(policies={"random": 1, "smooth": 1, "sweep": 1})


class Wages(gym.Env[Any, Any]):
    """Pays `wages[action]` a decision and lasts about `decisions` of them, cut at `horizon`."""

    observation_space = spaces.Box(0, 1, (1,), np.float32)

    def __init__(self, wages: tuple[float, ...], decisions: int, horizon: int = 1_000) -> None:
        self.wages, self.decisions, self.horizon = wages, decisions, horizon
        self.action_space = spaces.Discrete(len(wages))

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        super().reset(seed=seed)
        self.age = 0
        self.end = int(self.np_random.integers(self.decisions - 2, self.decisions + 3))
        self.told = {"start": int(self.np_random.integers(10**9))}
        return np.zeros(1, np.float32), self.told

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        self.age += 1
        ended, cut = self.age >= self.end, self.age >= self.horizon
        return np.zeros(1, np.float32), self.wages[action], ended, cut and not ended, self.told


@dataclass
class Fake:
    """Two worlds of wages; satisfies `Worlds`."""

    real: tuple[float, ...] = (0.0, 1.0, 3.0)
    dreamed: tuple[float, ...] = (0.0, 1.0, 3.0)
    real_decisions: int = 60
    dreamed_decisions: int = 60
    horizon: int = 1_000
    limit: int | None = None
    made: int = 0
    env_id: str = "Wages-v0"
    dynamics_sha256: str = "0" * 64

    @property
    def action_space(self) -> spaces.Space[Any]:
        return spaces.Discrete(len(self.real))

    def reality(self, drawn: bool) -> SyncVectorEnv:
        return self._vec(Wages, self.real, self.real_decisions, 4)

    def dream(self, temperature: float, part: Part, episodes: int) -> SyncVectorEnv:
        wages = tuple(wage * temperature for wage in self.dreamed)
        return self._vec(Wages, wages, self.dreamed_decisions, episodes)

    def decides_reality(self) -> dict[str, Any]:
        return {"wages": self.real}

    def decides_dream(self, part: Part) -> dict[str, Any]:
        return {"wages": self.dreamed, "part": part}

    def _vec(self, kind: Any, wages: tuple[float, ...], decisions: int, count: int) -> Any:
        self.made += 1
        makers = [partial(kind, wages, decisions, self.horizon)] * count
        return SyncVectorEnv(makers, autoreset_mode=AutoresetMode.SAME_STEP)


def contest(worlds: Fake, folder: Path, **config: Any) -> GapRun:
    """A contest of the usual scripted policies, of a few episodes."""
    gap = GapConfig(**{"episodes": 6, "validation_episodes": 4, **config})
    collected = {"random", "smooth", "sweep"}
    players = scripted_competitors(gap, worlds.action_space, ROLLOUTS, collected, 0)
    return GapRun(players, worlds, gap, temperature=1.0, folder=folder, seed=0)


def reported(worlds: Fake, folder: Path, **config: Any) -> GapReport:
    return contest(worlds, folder, **config).report()
