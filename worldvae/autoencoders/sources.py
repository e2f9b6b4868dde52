"""The frames that a pretraining reads: three splits of rollout stores, and their origin."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from worldvae.autoencoders.encoder_files import FrameOrigin
from worldvae.autoencoders.window import Window
from worldvae.errors import ArtifactError
from worldvae.rollouts import JoinedFrames, RolloutStore, StoredFrames
from worldvae.rollouts.manifest import Record, Split
from worldvae.training.distributed import first_does

Source = StoredFrames | JoinedFrames
Sources = tuple[Source, Source, Source, FrameOrigin]


def read_sources(stores: Sequence[RolloutStore], window: Window, actions: bool) -> Sources:
    """Return frames to train on, to stop by and to score on, and their origin.

    Damaged episodes are left out. Raises ArtifactError if there are too few episodes to hold some
    out, or if the stores are of several tasks.
    """
    store = stores[0]
    whole = [(one, first_does(one.healthy)) for one in stores]
    _check_one_task(stores)
    splits: tuple[Split, ...] = ("train", "validation", "test")
    train, validation, test = (
        _joined(
            StoredFrames(one, split, every, window.before, window.ahead, actions)
            for one, every in whole
        )
        for split in splits
    )
    records = [record for _, every in whole for record in every]
    if not (len(train) and len(validation) and len(test)):
        raise ArtifactError(f"{store.folder}: {_why_too_few(records, window)}")
    origin = FrameOrigin(
        frame=store.env.frame,
        source_shape=store.source_shape,
        env_id=store.env.id,
        data_sha256=hash_frames(records),
        action_repeat=store.env.action_repeat,
    )
    return train, validation, test, origin


def hash_frames(records: Iterable[Record]) -> str:
    """Return the hash of the frames of all `records`, by which an encoder knows its data."""
    return hashlib.sha256("".join(record.frames_sha256 for record in records).encode()).hexdigest()


def _why_too_few(records: Sequence[Record], window: Window) -> str:
    """Say why a split holds no example, and what to do about it."""
    enough = [record for record in records if record.length + 1 > window.ahead]
    if {record.split for record in enough} != {record.split for record in records}:
        longest = max(record.length + 1 for record in records)
        return (
            f"of {len(records)} whole episodes {len(enough)} are long enough to predict "
            f"{window.ahead} frames ahead, the longest has {longest} frames; use a smaller "
            "pretrain.predict, or more of longer episodes"
        )
    return (
        f"{len(records)} whole episodes are too few to hold some out; "
        "collect at least 10 (a larger rollouts.frames, or env.max_episode_steps and a new --name)"
    )


def _joined(parts: Iterable[StoredFrames]) -> Source:
    first, *others = parts
    return JoinedFrames([first, *others]) if others else first


def _check_one_task(stores: Sequence[RolloutStore]) -> None:
    for store in stores[1:]:
        if difference := stores[0].env.other_task(store.env):
            raise ArtifactError(
                f"{store.folder} holds frames of another task than {stores[0].folder}: {difference}"
            )
