"""What a model predicts for windows: free-running dreams, and predictions one step ahead.

Shapes: W windows, N dreams of each, K decisions, D numbers of a code, A of an action.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from worldvae.diagnostics.fidelity.windows import Flags, Floats, Numbers, Windows
from worldvae.seeding import derive

DREAMS = 19
"""N: of 19 dreams the 1st and the 19th value enclose 90 %, the 5th and the 15th 50 %, exactly."""

FARTHEST = 1e3
"""Codes are clipped at so many deviations, so that a dream that explodes is a finding, not NaN."""

ROWS = 4_096
"""Dreams that are stepped at once."""


class LatentDynamics(Protocol):
    """What the check needs of `Dynamics`; see there."""

    def initial(self, n: int, /) -> Any:
        """Return the state before an episode: a dataclass of carried (M, n, C) and code (n, D)."""

    def observe(self, state: Any, code: Tensor, actions: Tensor, episode_start: Tensor, /) -> Any:
        """Advance the memory by an action that was taken, and see the frame that it led to."""

    def imagine(
        self,
        state: Any,
        actions: Tensor,
        generator: torch.Generator,
        temperature: float = 1.0,
        members: Tensor | None = None,
        /,
    ) -> tuple[Any, Any]:
        """Return a next state, and its code, reward, end probability and sampled end."""


@dataclass(frozen=True)
class DreamSamples:
    """N dreams of each of W windows, which go on after they sampled an end.

    Dreamed codes are compared with those of episodes that have not ended. So a dream that has goes
    on as another one of its window that has not, as long as there is one.
    """

    codes: Floats
    """After each decision, (W, N, K, D)."""
    rewards: Floats
    """(W, N, K)."""
    ended: Flags
    """Whether this decision ended the dream; true at one decision at most, (W, N, K)."""

    def chosen(self, rows: Flags) -> DreamSamples:
        """Return the dreams of some of the windows, by flags (W,)."""
        return DreamSamples(self.codes[rows], self.rewards[rows], self.ended[rows])

    @property
    def going(self) -> Flags:
        """Whether the dream has not ended before this decision, (W, N, K)."""
        return np.asarray((np.cumsum(self.ended, axis=2) - self.ended) == 0)


@dataclass(frozen=True)
class OneStep:
    """What is predicted of each decision after the start from the real past, (W, K) each."""

    rewards: Floats
    end_probability: Floats

    def chosen(self, rows: Flags) -> OneStep:
        """Return the predictions for some of the windows, by flags (W,)."""
        return OneStep(self.rewards[rows], self.end_probability[rows])


@torch.inference_mode()
def dream(
    model: LatentDynamics,
    windows: Windows,
    actions: Floats,
    seed: int,
    temperature: float = 1.0,
    count: int = DREAMS,
) -> DreamSamples:
    """Dream each window `count` times from its start.

    Args:
        model: The dynamics.
        windows: Where dreams start.
        actions: Of each window, (W, K, A), or of each dream of it, (W, N, K, A).
        seed: Decides the noise, which does not depend on actions.
        temperature: Spread of the sampled codes.
        count: N.
    """
    survivors = np.random.default_rng(derive(seed, "survivors"))
    generators = torch.Generator().manual_seed(seed), survivors
    size = max(1, ROWS // count)
    parts = []
    for start in range(0, len(windows), size):
        rows = np.arange(start, min(start + size, len(windows)))
        state = _repeated(_warmed_up(model, windows.chosen(rows)), count)
        taken = torch.from_numpy(_of_dreams(actions[rows], count))
        parts.append(_dream(model, state, taken, generators, temperature, count))
    codes, rewards, terminated = (np.concatenate(column) for column in zip(*parts, strict=True))
    shape = len(windows), count, windows.horizon
    ended = terminated.reshape(shape)
    return DreamSamples(
        codes.reshape(*shape, -1),
        _bounded_rewards(rewards.reshape(shape), windows),
        ended & (np.cumsum(ended, axis=2) == 1),
    )


@torch.inference_mode()
def one_step(model: LatentDynamics, windows: Windows, seed: int) -> OneStep:
    """Predict reward and end of the decisions after the start from the real frames before each.

    Those before the start are no fair sample: none of them was the last of its episode.
    """
    generator = torch.Generator().manual_seed(seed)
    members = _draw_members(model.initial(len(windows)), generator)
    rewards, ends = [], []
    for time, state in enumerate(_states(model, windows)):
        if time < windows.past:
            continue
        taken = torch.from_numpy(windows.actions[:, time])
        _, step = model.imagine(state, taken, generator, 1.0, members)
        rewards.append(_array(step.reward))
        ends.append(_array(torch.nan_to_num(step.end_probability, 1.0)))
    return OneStep(_bounded_rewards(np.stack(rewards, axis=1), windows), np.stack(ends, axis=1))


def _dream(
    model: LatentDynamics,
    state: Any,
    actions: Tensor,
    generators: tuple[torch.Generator, np.random.Generator],
    temperature: float,
    count: int,
) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]]:
    """Dream under actions (B, K, A): codes (B, K, D), rewards and sampled ends (B, K).

    Each `count` rows after each other are dreams of one window. Of `generators` the first decides
    the noise, the second as which one a dream that ended goes on, whether any did or not.
    """
    generator, survivors = generators
    steps = []
    members, told = _draw_members(state, generator), torch.arange(len(actions))
    for time in range(actions.shape[1]):
        state, step = model.imagine(state, actions[told, time], generator, temperature, members)
        code = torch.nan_to_num(state.code, FARTHEST, FARTHEST, -FARTHEST)
        state = replace(state, code=code.clamp(-FARTHEST, FARTHEST))
        ended = step.terminated.cpu().numpy()
        rows = torch.from_numpy(_going_on_as(ended, count, survivors.random(len(ended))))
        state = replace(state, carried=state.carried[:, rows], code=state.code[rows])
        members, told = None if members is None else members[rows], told[rows]
        steps.append((_array(state.code), _array(step.reward), ended))
    codes, rewards, ends = (np.stack(column, axis=1) for column in zip(*steps, strict=True))
    return codes, rewards, ends


def _going_on_as(ended: Flags, count: int, draws: NDArray[np.float64]) -> Numbers:
    """Return as which row each row goes on, (B,): one that ended as another one of its window.

    `draws` (B,) from [0, 1) say which of those that have not ended: were it always the first, all
    dreams would soon be one. Each `count` rows after each other are of one window; where all of
    them ended they stay.
    """
    rows = np.arange(len(ended))
    windows, over = rows.reshape(-1, count), ended.reshape(-1, count)
    for window in np.flatnonzero(over.any(1) & ~over.all(1)):
        dead, alive = windows[window][over[window]], windows[window][~over[window]]
        rows[dead] = alive[(draws[dead] * len(alive)).astype(np.intp)]
    return rows


def _warmed_up(model: LatentDynamics, windows: Windows) -> Any:
    """Return the state at the start of each window."""
    state = None
    for time, now in enumerate(_states(model, windows)):
        state = now
        if time == windows.past:
            break
    return state


def _states(model: LatentDynamics, windows: Windows) -> Iterator[Any]:
    """Yield the state at each frame that a decision follows."""
    codes, actions = torch.from_numpy(windows.codes), torch.from_numpy(windows.actions)
    first = torch.from_numpy(windows.first)
    state = model.initial(len(windows))
    before = torch.zeros_like(actions[:, 0])
    for time in range(actions.shape[1]):
        state = model.observe(state, codes[:, time], before, first == time)
        yield state
        before = actions[:, time]


def _draw_members(state: Any, generator: torch.Generator) -> Tensor | None:
    """Return the member of an ensemble that each course follows, as dreams of agents do: (n,)."""
    members, count = state.carried.shape[:2]
    return None if members == 1 else torch.randint(members, (count,), generator=generator)


def _repeated(state: Any, count: int) -> Any:
    """Repeat each of W states `count` times in a row."""
    carried = state.carried.repeat_interleave(count, dim=1)
    return replace(state, carried=carried, code=state.code.repeat_interleave(count, dim=0))


def _of_dreams(actions: Floats, count: int) -> Floats:
    """Return the actions of each of W times N dreams in a row, (W N, K, A)."""
    if actions.ndim == 4:
        return actions.reshape(-1, *actions.shape[2:])
    return np.repeat(actions, count, axis=0)


def _bounded_rewards(rewards: Floats, windows: Windows) -> Floats:
    """Clip predicted rewards at `FARTHEST` times the largest that was paid; NaN is as far off.

    Rewards have the unit of the environment, so that no number is too large by itself.
    """
    largest = float(np.abs(windows.paid).max()) or 1.0
    limit = FARTHEST * largest
    return np.nan_to_num(rewards, nan=limit, posinf=limit, neginf=-limit).clip(-limit, limit)


def _array(values: Tensor) -> Floats:
    return values.float().cpu().numpy()
