"""One dream as an environment of Gymnasium, registered as `worldvae/Dream-v0`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from worldvae.dynamics.dream_batch import Outcome
from worldvae.dynamics.dream_observation import colored, rows_of
from worldvae.dynamics.dream_source import FRAMES_PER_SECOND, RENDER_MODES, DreamSource

FIRST = np.zeros(1, np.intp)


class DreamEnv(gym.Env[Any, Any]):
    """One dream, with the numbers of a `DreamVectorEnv` of one.

    Args:
        dynamics: A folder of dynamics, or what was loaded from one.
        render_mode: None, or rgb_array: `render` decodes the frame, which takes an encoder.
        source: Further arguments of `DreamSource.load`, such as encoder, split, horizon,
            temperature and starts.

    The option `start` of `reset` is the number of the real frame that the dream begins from.
    """

    metadata = {"render_modes": RENDER_MODES, "render_fps": FRAMES_PER_SECOND}  # noqa: RUF012

    def __init__(
        self, dynamics: str | Path | DreamSource, render_mode: str | None = None, **source: Any
    ) -> None:
        if not isinstance(dynamics, DreamSource):
            dynamics = DreamSource.load(dynamics, **source)
        self.source = dynamics
        self.render_mode = dynamics.check_render_mode(render_mode)
        self._dreams, self._observe = dynamics.batch(1), dynamics.observer()
        self.observation_space = self._observe.space
        self.action_space = dynamics.card.actions.space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self._dreams.seed([seed])
        super().reset(seed=seed)
        place = (options or {}).get("start")
        self._dreams.begin(FIRST, None if place is None else self.source.check_places([place], 1))
        return self._observation(), self._info(Outcome.none(1))

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        outcome = self._dreams.step(self.source.encode(np.asarray(action)[None], 1))
        terminated, truncated = bool(outcome.terminated[0]), bool(outcome.truncated[0])
        return (
            self._observation(),
            float(outcome.rewards[0]),
            terminated,
            truncated,
            self._info(outcome),
        )

    def render(self) -> NDArray[np.uint8] | None:
        """Return the decoded frame, (H, W, 3) uint8; None without a render_mode."""
        shown = self.source.is_shown(self.render_mode)
        return colored(self.picture()[None])[0] if shown else None

    def picture(self) -> NDArray[np.uint8]:
        """Return the decoded frame in the encoder's own colours: (H, W, C) uint8."""
        frame: NDArray[np.uint8] = self.source.pictures(self._dreams.state)[0]
        return frame

    def _info(self, outcome: Outcome) -> dict[str, Any]:
        return {name: values[0].item() for name, values in self._dreams.told(outcome).items()}

    def _observation(self) -> Any:
        return rows_of(self._observe(self._dreams.state), FIRST)[0]
