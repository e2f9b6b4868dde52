"""The part of the page on twins: pieces of real episodes, to be dreamed under the same actions.

Shapes: B decisions before the start, T after it, D numbers of a code, W of an action.
"""

from __future__ import annotations

from dataclasses import dataclass

from agents.explore.actions import recorded_actions
from agents.explore.assets import Asset
from agents.explore.contents import TwinFacts
from agents.explore.segments import HeldOutFrame, ShownEpisodes, codes_of
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.indices import evenly
from worldvae.rollouts import Record

TWINS = 3
LONGEST = 100
"""Decisions of a twin, at most."""


@dataclass(frozen=True)
class TwinPart:
    """A piece of an episode."""

    facts: TwinFacts
    assets: tuple[Asset, ...]


def twin_parts(
    encoder: Encoder, shown: ShownEpisodes, card: DynamicsCard, burn_in: int
) -> list[TwinPart]:
    """Return the middles of some long episodes, at most TWINS of them."""
    long = sorted(shown.records, key=lambda record: -record.length)
    long = long[: max(TWINS, len(long) // 2)]
    chosen = [long[index] for index in evenly(len(long), TWINS)]
    return [
        _twin_part(f"twin-{number}", record, encoder, shown, card, burn_in)
        for number, record in enumerate(chosen)
    ]


def _twin_part(
    name: str,
    record: Record,
    encoder: Encoder,
    shown: ShownEpisodes,
    card: DynamicsCard,
    burn_in: int,
) -> TwinPart:
    # What is shown after a termination is no frame that could be predicted.
    last = record.length - record.terminated
    start = max(min(burn_in, last - 1), (last - LONGEST) // 2, 0)
    stop, before = min(last, start + LONGEST), min(burn_in, start)
    whole, count = HeldOutFrame(record, stop), before + stop - start
    codes = codes_of(
        encoder,
        shown.inputs(whole, encoder.stack, count),
        shown.keys(whole, card.keys, count),
    )
    taken = recorded_actions(shown.store, record, shown.store.action_space)
    rewards = shown.store.arrays(record)["reward"].astype("float32")
    assets = (
        Asset.of(f"{name}-frames", shown.store.frames(record)[start : stop + 1]),
        Asset.of(f"{name}-codes", codes),
        Asset.of(f"{name}-actions", taken[start - before : stop]),
        Asset.of(f"{name}-rewards", rewards[start:stop]),
    )
    facts = TwinFacts(
        asset=name, episode=record.name, policy=record.policy, frame=start, before=before
    )
    return TwinPart(facts, assets)
