"""The two worlds of a run in which policies play: reality, and dreams from held-out frames.

Episodes are cut after the same number of decisions in both, so that returns and lengths compare.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, Protocol

from gymnasium import spaces
from gymnasium.vector import VectorEnv

from agents.config.gap import GapConfig
from worldvae.dynamics.checkpoint import hash_dynamics, read_dynamics_card
from worldvae.dynamics.config import DreamSettings
from worldvae.dynamics.dream import DreamVectorEnv
from worldvae.dynamics.dream_source import DreamSource
from worldvae.dynamics.limit import longest_episode
from worldvae.envs import EnvConfig, make_vec
from worldvae.envs.make_raw import step_limit
from worldvae.envs.own_code import own_code
from worldvae.envs.vector import action_space_of

Part = Literal["validation", "test"]
"""The episodes on which a temperature is chosen, and those that are reported."""

DREAMS = 64
"""The most dreams at once."""


class Worlds(Protocol):
    """Makes the environments of both worlds, each N with SAME_STEP autoreset."""

    @property
    def env_id(self) -> str:
        """The id of the environment."""

    @property
    def limit(self) -> int | None:
        """Decisions that the environment's own limit leaves an episode; None if none is known."""

    @property
    def horizon(self) -> int:
        """Decisions after which an episode is cut in both worlds."""

    @property
    def dynamics_sha256(self) -> str:
        """The hash of the dynamics that are dreamed."""

    @property
    def action_space(self) -> spaces.Space[Any]:
        """The environment's own action space."""

    def reality(self, drawn: bool) -> VectorEnv[Any, Any, Any]:
        """Make real environments; `drawn`: with frames, for policies that look at them."""

    def dream(self, temperature: float, part: Part, episodes: int) -> VectorEnv[Any, Any, Any]:
        """Make dreams from the first frames of held-out episodes."""

    def decides_reality(self) -> dict[str, Any]:
        """Return all that decides real episodes beside policy and seeds, as JSON."""

    def decides_dream(self, part: Part) -> dict[str, Any]:
        """Return all that decides dreams beside policy, seeds and temperature, as JSON."""


@dataclass(frozen=True)
class RunWorlds:
    """The worlds of a run; satisfies `Worlds`."""

    env: EnvConfig
    gap: GapConfig
    dream_settings: DreamSettings
    dynamics: Path
    """The folder of the dynamics."""
    device: str

    @property
    def env_id(self) -> str:
        return self.env.id

    @cached_property
    def limit(self) -> int | None:
        return longest_episode(self.env, read_dynamics_card(self.dynamics))

    @property
    def horizon(self) -> int:
        return self.gap.horizon if self.limit is None else min(self.limit, self.gap.horizon)

    @cached_property
    def dynamics_sha256(self) -> str:
        return hash_dynamics(self.dynamics)

    @cached_property
    def action_space(self) -> spaces.Space[Any]:
        vec = make_vec(self._task(False).model_copy(update={"workers": "sync"}), 1, 0)
        try:
            return action_space_of(vec)
        finally:
            vec.close()

    def reality(self, drawn: bool) -> VectorEnv[Any, Any, Any]:
        return make_vec(self._task(drawn), self.gap.num_envs, self.gap.seed)

    def dream(self, temperature: float, part: Part, episodes: int) -> VectorEnv[Any, Any, Any]:
        tempered = self.dream_settings.model_copy(update={"temperature": temperature})
        settings = dict(tempered.like_reality(self.horizon))
        source = DreamSource.load(self.dynamics, split=part, device=self.device, **settings)
        return DreamVectorEnv(source, min(episodes, DREAMS), self.gap.seed)

    def decides_reality(self) -> dict[str, Any]:
        task = self._task(True).model_dump(mode="json", by_alias=True, exclude={"workers"})
        return {"env": task, "num_envs": self.gap.num_envs, **own_code(self.env)}

    def decides_dream(self, part: Part) -> dict[str, Any]:
        settings = self.dream_settings.model_dump(include={"burn_in", "bank"})
        return {
            "dynamics": self.dynamics_sha256,
            "dream": settings,
            "horizon": self.horizon,
            "part": part,
        }

    def _task(self, drawn: bool) -> EnvConfig:
        # A limit that is no multiple of action_repeat cuts the last decision short.
        steps = self.horizon * self.env.action_repeat
        steps = min(steps, step_limit(self.env) or steps)
        task = self.env.as_evaluated().model_copy(update={"max_episode_steps": steps})
        return task if drawn else task.model_copy(update={"pixels": "none"})
