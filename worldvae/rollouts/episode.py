"""One finished episode, with checks that its arrays belong together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.envs.state import STATE


@dataclass(frozen=True)
class Episode:
    """One episode of T decisions and T + 1 frames, those of the reset and of the end included."""

    obs: NDArray[np.uint8]
    """(T + 1, H, W, C): the frames."""
    action: NDArray[Any]
    """(T, ...), in the environment's own action space."""
    reward: NDArray[np.float64]
    """(T,), each summed over the action repeat."""
    terminated: NDArray[np.bool_]
    """(T,): whether a decision led to an end of the task; false before the last decision."""
    truncated: NDArray[np.bool_]
    """(T,): whether a decision was the last for another reason; false before the last decision."""
    seed: int
    """The seed of the collection, from which those of its resets are drawn; no seed of `reset`."""
    policy: str
    """The name of the policy that played."""
    state: NDArray[np.float64] | None = None
    """(T + 1, S): the true state of each frame; None if the environment does not show it."""
    cut: bool = False
    """Whether the collector truncated the episode, since it had enough frames."""
    keys: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """(T + 1, d) each: what a Dict observation holds beside the frame, without cameras."""

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
            **{f"observed {name}": len(values) - 1 for name, values in self.keys.items()},
        }
        wrong = [name for name, found in lengths.items() if found != length]
        if wrong:
            raise ValueError(f"of {length} actions, but another number of: {', '.join(wrong)}")
        ended = self.terminated | self.truncated
        if not ended[-1] or ended[:-1].any():
            raise ValueError("an episode ends at its last decision, and only there")
        if self.cut and not self.truncated[-1]:
            raise ValueError("an episode that was cut is one that was truncated")
        for name, values in self.keys.items():
            if values.ndim != 2 or values.dtype != np.float32:
                raise ValueError(
                    f"the key {name} needs (T + 1, d) float32, got {values.shape} {values.dtype}"
                )

    @property
    def arrays(self) -> dict[str, NDArray[Any]]:
        """The arrays by name: all but the frames and the keys."""
        arrays: dict[str, NDArray[Any]] = {
            "action": self.action,
            "reward": self.reward,
            "terminated": self.terminated,
            "truncated": self.truncated,
        }
        return arrays if self.state is None else {**arrays, STATE: self.state}
