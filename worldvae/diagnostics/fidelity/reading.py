"""Opens dynamics, their encoder and the episodes by which they are judged.

Shapes: B frames, H W C image, D numbers of a code, S state variables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from worldvae.autoencoders.backends import Frames
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.diagnostics.drift import reconstructs
from worldvae.diagnostics.fidelity.cut import (
    LONGEST_PAST,
    PAST,
    EpisodeSegment,
    WindowStarts,
    cut_windows,
    lay_starts,
)
from worldvae.diagnostics.fidelity.metrics.pixels import PixelSource
from worldvae.diagnostics.fidelity.subject import ExaminedDynamics, HeldOut
from worldvae.diagnostics.fidelity.windows import Floats, Numbers, Windows
from worldvae.diagnostics.finding import Finding, gravest
from worldvae.diagnostics.rules.evidence import HEALTH
from worldvae.diagnostics.splits import Splits
from worldvae.dynamics.checkpoint import check_encoder, check_steps, load_dynamics
from worldvae.dynamics.codes import CODES_FOLDER, EncodedRollouts, encode_rollouts
from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.sequences import EncodedEpisode, Sequences
from worldvae.envs.state import STATE
from worldvae.indices import evenly
from worldvae.rollouts import JoinedFrames, Record, RolloutStore, StoredFrames
from worldvae.rollouts.limit import ending_limit
from worldvae.rollouts.manifest import Split
from worldvae.seeding import derive
from worldvae.stats import Array
from worldvae.training.batches import check_not_empty

WINDOWS = Splits(train=192, validation=96, test=192)
"""Windows of each split at most: all that two minutes on two cores allow."""

MEAN_FRAMES = 1_000
"""Training frames of which the mean frame is made."""

NO_DECODER = (
    "the encoder does not reconstruct its input; one that does (pretrain.pixels.predict: 0) shows "
    "what is dreamed"
)


Place = tuple[RolloutStore, Sequences, int]
"""Where an episode is: its store, the split, and its number there."""


@dataclass(frozen=True)
class _Episodes:
    """The episodes of one split in all stores, numbered on from one store to the next."""

    parts: tuple[tuple[RolloutStore, Sequences], ...]

    @property
    def places(self) -> list[Place]:
        return [
            (store, split, number)
            for store, split in self.parts
            for number in range(len(split.records))
        ]

    @property
    def records(self) -> list[Record]:
        return [record for _, split in self.parts for record in split.records]

    @property
    def lengths(self) -> list[int]:
        return [record.length for record in self.records]


def open_dynamics(
    folder: Path,
    encoder_folder: Path,
    stores: Sequence[RolloutStore],
    seed: int,
    held_out: HeldOut | None = None,
    burn_in: int = PAST,
) -> ExaminedDynamics:
    """Open the dynamics in `folder` and cut windows of the episodes of `stores`.

    If `held_out` is given, all validation and test windows are of its episodes. Before its start a
    window has `burn_in` decisions at most, and `LONGEST_PAST`.

    Raises ArtifactError if a folder is missing or damaged, if the encoder is not that of the
    dynamics, or if frames were preprocessed or actions repeated otherwise.
    """
    model, card = load_dynamics(folder)
    check_encoder(card, folder, encoder_folder)
    encoder = Encoder.load(encoder_folder)
    for store in (*stores, *([] if held_out is None else [held_out.store])):
        check_steps(card, folder, store.env.action_repeat, str(store.folder))
    encode = partial(encode_rollouts, encoder=encoder, encoder_sha256=hash_encoder(encoder_folder))
    learned = judged = [encode(store, folder=folder / CODES_FOLDER) for store in stores]
    if held_out is not None:
        judged = [encode(held_out.store, folder=held_out.report / CODES_FOLDER).held_out()]
    splits = _splits(learned, judged, card)
    variables = stores[0].state_variables
    starts = Splits(*(lay_starts(each.lengths, n) for each, n in zip(splits, WINDOWS, strict=True)))
    past = min(burn_in, LONGEST_PAST)
    windows = Splits(
        *(_cut(each, at, past, len(variables)) for each, at in zip(splits, starts, strict=True))
    )
    pixels = _pixels(encoder, splits, starts.test)
    return ExaminedDynamics(
        env_id=card.env_id,
        model=model,
        untrained=untrained_twin(model, seed),
        is_trained=card.trained,
        objective=model.config.objective,
        latents=model.latents,
        windows=windows,
        variables=variables,
        pixels=pixels,
        no_pixels=None if pixels else NO_DECODER,
        doubts=_doubts(encoder_folder),
        ending_limit=ending_limit(record for split in splits for record in split.records),
        usual=None if held_out is None else _usual(learned, card, past),
    )


def _doubts(encoder_folder: Path) -> tuple[Finding, ...]:
    """Return the findings of the encoder's health check, if there was one, that are no notes."""
    if not HEALTH.is_whole(encoder_folder):
        return ()
    findings = HEALTH.read(encoder_folder).findings
    return tuple(finding for finding in findings if gravest([finding]))


def untrained_twin(model: Dynamics, seed: int) -> Dynamics:
    """Return the same network with initial weights, in the same units."""
    twin = Dynamics(model.config, seed=derive(seed, "untrained"))
    for name, values in model.named_buffers():
        twin.get_buffer(name).copy_(values)
    twin.begin()
    return twin.eval().requires_grad_(False)


def _splits(
    learned: Sequence[EncodedRollouts], judged: Sequence[EncodedRollouts], card: DynamicsCard
) -> Splits[_Episodes]:
    """Return the episodes of each split; ArtifactError if one has none."""
    splits = Splits(
        train=_episodes(learned, "train", card),
        validation=_episodes(judged, "validation", card),
        test=_episodes(judged, "test", card),
    )
    for name, split in splits._asdict().items():
        check_not_empty(split.records, name)
    return splits


def _episodes(several: Sequence[EncodedRollouts], split: Split, card: DynamicsCard) -> _Episodes:
    """Return the episodes of one split."""
    return _Episodes(
        tuple(
            (
                encoded.store,
                Sequences(encoded, split, encoded.store.action_space, card.keys, window=2),
            )
            for encoded in several
        )
    )


def _usual(learned: Sequence[EncodedRollouts], card: DynamicsCard, past: int) -> Windows:
    """Return the windows of the test episodes of the rollouts."""
    episodes = _episodes(learned, "test", card)
    check_not_empty(episodes.records, "test")
    return _cut(episodes, lay_starts(episodes.lengths, WINDOWS.test), past, variables=0)


def _cut(episodes: _Episodes, starts: WindowStarts, past: int, variables: int) -> Windows:
    places = episodes.places
    found: dict[int, EncodedEpisode] = {}

    def read(number: int, first: int, last: int) -> EpisodeSegment:
        store, split, place = places[number]
        if number not in found:
            found[number] = split.episode(place)
        return _segment(found[number], _states(store, found[number].record, variables), first, last)

    policies = [record.policy for record in episodes.records]
    return cut_windows(read, starts, episodes.lengths, policies, past)


def _segment(episode: EncodedEpisode, state: Array, first: int, last: int) -> EpisodeSegment:
    terminated = np.zeros(episode.record.length, bool)
    terminated[-1] = episode.terminated
    return EpisodeSegment(
        codes=np.array(episode.codes[first : last + 1]),
        actions=episode.actions[first:last],
        rewards=episode.rewards[first:last],
        terminated=terminated[first:last],
        state=state[first : last + 1],
    )


def _states(store: RolloutStore, record: Record, variables: int) -> Array:
    """Return the true state of each frame of an episode, nan if it was not recorded."""
    recorded = store.arrays(record).get(STATE)
    if recorded is None or recorded.shape[1] != variables:
        return np.full((record.length + 1, variables), np.nan)
    return np.asarray(recorded, np.float64)


def _pixels(
    encoder: Encoder, splits: Splits[_Episodes], starts: WindowStarts
) -> PixelSource | None:
    """Return what decoded dreams of the test windows are compared with."""
    if not reconstructs(encoder):
        return None
    train = JoinedFrames(
        [StoredFrames(store, "train", split.records) for store, split in splits.train.parts]
    )
    frames = train.gather(evenly(len(train), MEAN_FRAMES))
    places = splits.test.places

    def read(windows: Numbers, times: Numbers) -> Frames:
        last = (starts.times[windows] + times).tolist()
        rows = zip(starts.episodes[windows].tolist(), last, strict=True)
        return np.stack([_frame(places[episode], time) for episode, time in rows])

    def decode(codes: Floats) -> Frames:
        return encoder.decode(encoder.unwhiten(codes))

    return PixelSource(decode, read, frames.mean(0, dtype=np.float64) / 255)


def _frame(place: Place, time: int) -> Frames:
    store, split, number = place
    return np.asarray(store.frames(split.records[number])[time])
