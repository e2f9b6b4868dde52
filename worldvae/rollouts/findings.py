"""What was collected but cannot be meant: faults of environments that break no contract.

Each finding is one line with its fix; collecting and importing say them all once they are done.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.envs.observations import SMALLEST_CAMERA
from worldvae.envs.watch import Noticed
from worldvae.errors import ArtifactError
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.inspect import count_duplicates
from worldvae.rollouts.keys import RecordedKey
from worldvae.rollouts.manifest import Record
from worldvae.rollouts.store import RolloutStore
from worldvae.wording import percent

LONG = 1_000
"""If no episode has ended within this many decisions, it is said at once that none may ever end."""

CUT_AT_ONCE = (
    "every episode is cut or ends after its first decision, so that agents cannot learn what comes "
    "later: raise the environment's limit of steps, or env.max_episode_steps, unless it is meant"
)
"""What is said where a limit of one step, and not the task, ends episodes."""

ONE_DECISION = (
    "every episode ends with its first decision: there is nothing for dynamics to learn, so leave "
    "out scripts.dynamics and the arms with a memory or a dream"
)
"""What is said of a bandit; more episodes would not help."""

DROWNED = 1e5
"""Rewards so many times smaller than the largest one are too small to be learned from beside it."""

ATARI_IDS = "ALE/"
ALIKE = 0.5
"""The share of frames of an Atari game that were shown before from which this is said: of eight
games 0.61 in Asteroids, which blinks, and at most 0.35 in the others."""

BOUND_TOLERANCE = 1e-6
"""By how much of its size, or of 1, a number may leave its bounds from rounding."""


class Findings:
    """Gathers what a collection or an import shows, and says what cannot be meant.

    It speaks of all episodes of the store, since of those that a kill left nobody has spoken.

    Args:
        store: The store that is written into; it holds all episodes once `after` is called.
        keys: The keys that its episodes record.
        has_limit: Whether episodes have a known limit of steps.
    """

    def __init__(self, store: RolloutStore, keys: Sequence[RecordedKey], has_limit: bool) -> None:
        self._store, self._keys, self._has_limit = store, keys, has_limit
        self._low = {key.name: np.full(key.size, np.inf) for key in keys}
        self._high = {key.name: np.full(key.size, -np.inf) for key in keys}
        self._one_ended = any(not record.cut for record in store.records)
        self._decisions, self._rewards = 0, list[NDArray[np.float64]]()
        for record in store.records:
            with suppress(ArtifactError):  # who reads a damaged episode says so
                arrays, known = store.read(record)
                self._extend(arrays["reward"], known)

    def include(self, episode: Episode) -> None:
        """Take in an episode that has ended or was cut."""
        self._one_ended |= not episode.cut
        self._extend(episode.reward, episode.keys)

    def _extend(self, rewards: NDArray[Any], keys: Mapping[str, NDArray[np.float32]]) -> None:
        self._rewards.append(rewards.astype(np.float64))
        for name, values in keys.items():
            np.minimum(self._low[name], values.min(0), out=self._low[name])
            np.maximum(self._high[name], values.max(0), out=self._high[name])

    def meanwhile(self) -> list[str]:
        """Return what has to be said after one more decision in each environment."""
        self._decisions += 1
        is_long = self._decisions == LONG and not self._one_ended and not self._has_limit
        return [_endless(self._store, f"within {LONG:,} decisions")] if is_long else []

    def after(self, noticed: Noticed) -> list[str]:
        """Return what was found, a line each; `noticed`: what the environments showed."""
        again = _again(self._store)
        return [
            *_of_images(noticed, again),
            *_of_shapes(noticed, again),
            *_of_small_cameras(noticed, again),
            *_of_still_frames(self._store),
            *_of_every_other_screen(self._store),
            *_of_digits(noticed, again),
            *(line for key in self._keys if (line := self._of_bounds(key, again))),
            *self._of_rewards(again),
            *self._of_ends(),
        ]

    def _of_bounds(self, key: RecordedKey, again: str) -> str:
        low, high, box = self._low[key.name], self._high[key.name], key.bounds.space(key.size)
        beyond = np.maximum(box.low - low, high - box.high)
        sizes = np.maximum(1, np.maximum(np.abs(low), np.abs(high)))
        if not (beyond > BOUND_TOLERANCE * sizes).any():
            return ""
        worst = int(np.argmax(beyond))
        place = "" if key.size == 1 else f" (number {worst} of {key.size})"
        return (
            f"the observation's {key.name}{place} goes from {low[worst]:g} to {high[worst]:g}, its "
            f"space from {box.low[worst]:g} to {box.high[worst]:g}, where dreams and the explorer "
            "keep it: declare the bounds that it has, or infinite ones, in the environment, "
            f"{again}"
        )

    def _of_rewards(self, again: str) -> list[str]:
        """Return a line if most rewards are nothing beside the largest one."""
        sizes = np.abs(np.concatenate([*self._rewards, np.zeros(0)]))
        sizes = sizes[sizes > 0]
        if not len(sizes) or sizes.max() < DROWNED * np.median(sizes):
            return []
        return [
            f"a reward of {sizes.max():g} stands beside usual ones of {np.median(sizes):g}, which "
            "nobody can learn from beside it, since agents and dynamics see rewards in units of "
            f"their deviation: scale the rare one down in the environment, {again}"
        ]

    def _of_ends(self) -> list[str]:
        records = self._store.records
        whole = [record for record in records if not record.cut]
        if not whole:
            is_said = self._has_limit or self._decisions >= LONG
            longest = max((record.length for record in records), default=0)
            within = f"within {longest:,} decisions"
            return [] if is_said else [_endless(self._store, within)]
        patience, is_over = self._store.env.give_up_after, any(one.terminated for one in whole)
        if patience is not None and not (is_over or self._has_limit):
            how = f"but by env.give_up_after = {patience}, without which agents are evaluated"
            return [_endless(self._store, how)]
        if end_at_once(whole):
            return [ONE_DECISION]
        return [CUT_AT_ONCE] if all(record.length == 1 for record in whole) else []


def say(store: RolloutStore, lines: Iterable[str]) -> None:
    """Warn of each of the `lines` that were found in the episodes of `store`."""
    for line in lines:
        warnings.warn(f"{store.env.id}: {line}", stacklevel=3)


def end_at_once(records: Sequence[Record]) -> bool:
    """Return whether each episode ends with its first decision, so that nothing follows any."""
    return all(record.terminated and record.length == 1 for record in records)


def check_followed(store: RolloutStore, records: Sequence[Record]) -> None:
    """Raise ArtifactError if nothing follows any decision of `records`, which are of `store`."""
    if end_at_once(records):
        raise ArtifactError(f"{store.folder}: {ONE_DECISION}")


def _again(store: RolloutStore) -> str:
    """Return how the episodes of `store` are replaced once the environment is mended."""
    if store.dataset is None:
        return f"remove {store.folder} and collect again"
    return f"make minari:{store.dataset.id} again, remove {store.folder} and import it"


def _endless(store: RolloutStore, how: str) -> str:
    fix = (
        "set env.max_episode_steps, and with it another --name, "
        f"or remove {store.folder} and what was made of it"
    )
    if store.dataset is not None:  # its limit has to be that of env
        fix = f"give the environment a limit of steps, {_again(store)}"
    return (
        f"no episode has ended {how}, and no limit is known: if none ever does, no agent can be "
        f"evaluated; {fix}"
    )


def _of_images(noticed: Noticed, again: str) -> list[str]:
    """Return a line for each image that is almost black."""
    lines = []
    for key, image in noticed.images.items():
        if not image.is_dark or image.brightest == 0:  # nothing is drawn: frames stand still
            continue
        fix = f"scale it to 0 to {image.white:g} in the environment"
        if image.brightest <= 1 < image.white:
            fix = "declare its space from 0 to 1, if that is its range, or " + fix
        what = f"the observation's {key}" if key else "the image"
        lines.append(
            f"{what} is almost black: its brightest pixel is {image.brightest:g}, where white is "
            f"{image.white:g}; {fix}, {again}"
        )
    return lines


def _of_digits(noticed: Noticed, again: str) -> list[str]:
    """Return a line for each key of which float32 loses digits."""
    return [
        f"the observation's {key} holds numbers such as {number:,.15g}, which float32 tells apart "
        f"in steps of {np.spacing(np.float32(abs(number))):g} alone: subtract a constant, or split "
        f"it into several numbers, in the environment, {again}"
        for key, number in noticed.lost.items()
    ]


def _of_shapes(noticed: Noticed, again: str) -> list[str]:
    """Return a line if the pictures that are scaled to one size are of several."""
    if len(noticed.shapes) <= 1:
        return []
    smallest, *_, largest = sorted(noticed.shapes, key=math.prod)
    return [
        f"pictures are of several shapes, from {smallest} to {largest}, and all are scaled to one "
        "size, so that the same thing looks smaller, or wider, in some of them: draw them all in "
        f"one size in the environment, {again}"
    ]


def _of_small_cameras(noticed: Noticed, again: str) -> list[str]:
    """Return a line for each further camera that is recorded as a vector of numbers."""
    return [
        f"the observation's {key} looks like a camera, but below {SMALLEST_CAMERA} pixels a side "
        f"the usual convolutions cannot take it: each policy gets it as {math.prod(shape):,} "
        f"numbers, and dynamics predict each of them; if it is one, enlarge it in the environment, "
        f"or leave it out of env.other_keys, {again}"
        for key, shape in noticed.small.items()
    ]


def _of_still_frames(store: RolloutStore) -> list[str]:
    """Return a line if all frames are the same, as when there is no screen to draw on."""
    shown = _first_and_last_frames(store)
    first = next(shown, None)
    if first is None or not all(np.array_equal(frame, first) for frame in shown):
        return []
    return [
        f"every episode begins and ends with the same frame (mean grey level {first.mean():.0f}): "
        "look at what --inspect draws before you train on it"
    ]


def _of_every_other_screen(store: RolloutStore) -> list[str]:
    """Return a line if an Atari game seems to draw its objects on screens that are not shown."""
    if not store.env.id.startswith(ATARI_IDS) or store.env.frame.max_pool:
        return []
    records = [record for record in store.records if store.is_whole(record)]
    share = count_duplicates(store, records) / max(1, sum(one.length + 1 for one in records))
    if share < ALIKE:
        return []
    return [
        f"{percent(share)} of the frames were shown before, to the last pixel: if the game draws "
        "on every other screen only, of which a frame is one, env.frame.max_pool: true with "
        "env.kwargs: {frameskip: 1} and env.action_repeat: 4 shows all of it, under another --name"
    ]


def _first_and_last_frames(store: RolloutStore) -> Iterator[NDArray[np.uint8]]:
    """Yield two frames (H, W, C) of each episode that can be read."""
    for record in store.records:
        with suppress(ArtifactError):
            yield from store.frames(record)[:: record.length]
