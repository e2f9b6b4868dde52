"""Windows of recorded episodes, from which dreams start and with which they are compared.

A window has a start: the decisions before it warm the memory up, those after it are dreamed.
Shapes: W windows, P decisions before the start, K after it, D numbers of a code, A of an action,
S state variables.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]
Numbers = NDArray[np.int64]

FrameReader = Callable[[Numbers, Numbers], NDArray[np.uint8]]
"""Reads the frame of each window (B,) at each time after its start (B,): (B, H, W, C)."""


@dataclass(frozen=True)
class Windows:
    """W windows of P + K decisions; what an episode does not have is 0, or nan in its state."""

    codes: Floats
    """What the agent sees: whitened posterior means and other keys, (W, P + K + 1, D)."""
    actions: Floats
    """(W, P + K, A)."""
    rewards: Floats
    """(W, P + K)."""
    terminated: Flags
    """(W, P + K)."""
    valid: Flags
    """Whether the episode has this decision, (W, P + K)."""
    state: NDArray[np.float64]
    """The true state of each frame, (W, P + K + 1, S)."""
    episodes: Numbers
    """A number for each episode, (W,)."""
    policies: NDArray[np.str_]
    """The policy that played, (W,)."""
    past: int
    """P, the index of the start."""

    def __len__(self) -> int:
        return len(self.codes)

    @property
    def horizon(self) -> int:
        """K."""
        return int(self.actions.shape[1]) - self.past

    @cached_property
    def first(self) -> Numbers:
        """The index of the first frame of each window, at which its memory is initial: (W,)."""
        return np.asarray(self.past - self.valid[:, : self.past].sum(1), np.int64)

    @cached_property
    def future(self) -> Flags:
        """Whether the episode has this decision after the start, (W, K)."""
        return self.valid[:, self.past :]

    @cached_property
    def ends(self) -> Flags:
        """Whether this decision after the start was the last, since it was terminated: (W, K)."""
        return self.terminated[:, self.past :] & self.future

    @cached_property
    def targets(self) -> Flags:
        """Whether the frame after this decision may be predicted, (W, K).

        The frame after an end is whatever the environment shows last.
        """
        return self.future & ~self.ends

    @cached_property
    def observation(self) -> NDArray[np.float64]:
        """The probability that the start would be under observation at this decision: (W, K).

        It is 1 until the episode ends, and 0 after a truncation. Had the episode not ended, it
        might have been truncated since: that it was not is as likely as in the windows that go on
        (Robins & Rotnitzky, 1992). Else starts at which episodes end soon would count for more
        than others, the later the more.
        """
        goes_on = self.targets
        truncated = goes_on & ~np.pad(self.future[:, 1:], ((0, 0), (0, 1)), constant_values=True)
        share = truncated.sum(0) / np.maximum(goes_on.sum(0), 1)
        untruncated = np.concatenate([[1.0], np.cumprod(1 - share)[:-1]])
        ended = np.cumsum(self.ends, axis=1) > 0
        at_end = np.maximum(untruncated[self.ends.argmax(1)], np.finfo(float).tiny)
        after = np.where(ended, untruncated / at_end[:, None], 0.0)
        return np.where(self.future, 1.0, after)

    @property
    def paid(self) -> Floats:
        """The rewards after the start, (W, K)."""
        return self.rewards[:, self.past :]

    @property
    def starts(self) -> Floats:
        """The code of each start, (W, D)."""
        return self.codes[:, self.past]

    @property
    def frames_seen(self) -> Flags:
        """Which frames a decision of the episode follows, (W, P + K + 1)."""
        return np.pad(self.valid, ((0, 0), (0, 1)))

    @property
    def truth(self) -> Floats:
        """The code after each dreamed decision, (W, K, D)."""
        return self.codes[:, self.past + 1 :]

    def chosen(self, rows: NDArray[Any]) -> Windows:
        """Return some of the windows, by their numbers or by flags (W,)."""
        names = [field.name for field in fields(self) if field.name != "past"]
        return replace(self, **{name: getattr(self, name)[rows] for name in names})

    def endless_actions(self, generator: np.random.Generator) -> Floats:
        """Return actions after the start for all K decisions, (W, K, A).

        A dream may go on where reality ended. There, actions are those of other windows from their
        starts on, so that they are of the same policies.
        """
        actions = self.actions[:, self.past :].copy()
        for window, filled in enumerate(self.future.sum(1).tolist()):
            place = filled
            while place < self.horizon:
                donor = int(generator.integers(len(self)))
                lent = self.actions[donor, self.past :][self.future[donor]]
                lent = lent[: self.horizon - place]
                actions[window, place : place + len(lent)] = lent
                place += len(lent)
        return actions

    def strangers(self, generator: np.random.Generator) -> Numbers:
        """Return another window for each, of another episode where there is one: (W,)."""
        order = generator.permutation(len(self))
        same = self.episodes[order] == self.episodes
        for _ in range(len(self)):
            if not same.any():
                break
            order[same] = generator.integers(len(self), size=int(same.sum()))
            same = self.episodes[order] == self.episodes
        return np.asarray(order, np.int64)
