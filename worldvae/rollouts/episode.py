"""One finished episode, and what makes it well-formed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.envs.state import STATE


@dataclass(frozen=True)
class Episode:
    """T decisions and the T + 1 frames around them: the reset frame and the last one included.

    obs (T + 1, H, W, C) uint8; action (T, ...); reward (T,) float, summed over the action repeat;
    terminated, truncated (T,) bool, apart, and False before the last decision; state (T + 1, S),
    the true state of each frame where the environment shows it; cut, whether it was truncated by
    the collector, whose frames were full, and not by the environment.
    """

    obs: NDArray[np.uint8]
    action: NDArray[Any]
    reward: NDArray[np.float64]
    terminated: NDArray[np.bool_]
    truncated: NDArray[np.bool_]
    seed: int
    policy: str
    state: NDArray[np.float64] | None = None
    cut: bool = False

    def __post_init__(self) -> None:
        length = len(self.action)
        if length == 0 or self.obs.ndim != 4 or self.obs.dtype != np.uint8:
            raise ValueError(
                f"an episode needs T >= 1 actions and obs (T + 1, H, W, C) uint8, "
                f"got {length} actions and obs {self.obs.shape} {self.obs.dtype}"
            )
        lengths = {
            "obs": len(self.obs) - 1,
            "reward": len(self.reward),
            "terminated": len(self.terminated),
            "truncated": len(self.truncated),
            STATE: length if self.state is None else len(self.state) - 1,
        }
        wrong = [name for name, found in lengths.items() if found != length]
        if wrong:
            raise ValueError(f"of {length} actions, but another number of: {', '.join(wrong)}")
        ended = self.terminated | self.truncated
        if not ended[-1] or ended[:-1].any():
            raise ValueError("an episode ends at its last decision, and only there")
        if self.cut and not self.truncated[-1]:
            raise ValueError("an episode that was cut is one that was truncated")

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """All but the frames: what goes into the small `.npz`."""
        arrays: dict[str, NDArray[Any]] = {
            "action": self.action,
            "reward": self.reward,
            "terminated": self.terminated,
            "truncated": self.truncated,
        }
        return arrays if self.state is None else {**arrays, STATE: self.state}
