"""The part of the page on dreams: the dynamics, their starts, and how far they are believed.

Shapes: S starts, B decisions before each, D numbers of a code, W of an action.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.config.experiment import Experiment
from agents.explore.actions import ActionNames, action_facts, recorded_actions
from agents.explore.assets import Asset
from agents.explore.contents import DreamFacts, TrustFacts
from agents.explore.key_facts import key_facts
from agents.explore.segments import HeldOutFrame, ShownEpisodes, codes_of
from worldvae.autoencoders.encoder import Encoder
from worldvae.diagnostics.fidelity.rules.evidence import FIDELITY
from worldvae.dynamics.checkpoint import check_encoder, load_dynamics
from worldvae.dynamics.dynamics_files import DYNAMICS_CONFIG, DynamicsCard
from worldvae.dynamics.model import Dynamics
from worldvae.errors import ConfigError
from worldvae.export.dreaming import DreamGraph
from worldvae.export.onnx_file import model_bytes


@dataclass(frozen=True)
class DreamPart:
    """What the page knows of the dynamics."""

    facts: DreamFacts
    assets: tuple[Asset, ...]
    dynamics: Dynamics
    card: DynamicsCard


def dream_part(
    experiment: Experiment, encoder: Encoder, shown: ShownEpisodes, starts: list[HeldOutFrame]
) -> DreamPart | None:
    """Return the dynamics' part of the page, or None if the run has none.

    Raises ArtifactError if they are damaged, or of another encoder.
    """
    folder = experiment.dynamics_folder
    if not DYNAMICS_CONFIG.exists(folder):
        return None
    dynamics, card = load_dynamics(folder)
    if encoder.folder is None:
        raise ConfigError("dynamics know their encoder by its folder; load it from one")
    check_encoder(card, folder, encoder.folder)
    network = model_bytes(DreamGraph(dynamics), f"a dream of {card.env_id}", {})
    assets = (
        Asset.weights("dream", network),
        *_start_assets(experiment, encoder, shown, starts, card),
    )
    return DreamPart(_facts(experiment, folder, dynamics, card), assets, dynamics, card)


def _facts(
    experiment: Experiment, folder: Path, dynamics: Dynamics, card: DynamicsCard
) -> DreamFacts:
    names = ActionNames.of(experiment.env)
    return DreamFacts(
        latents=dynamics.latents,
        keys=tuple(key_facts(dynamics, card.keys)),
        members=len(dynamics.members),
        carried=dynamics.initial(1).carried.shape[-1],
        trained=card.trained,
        usual_reward=dynamics.usual_reward,
        actions=action_facts(card.actions, names.names),
        temperature=experiment.dream.temperature,
        max_disagreement=experiment.dream.max_disagreement,
        decisions_per_second=names.decisions_per_second,
        trust=trust_facts(folder),
    )


def trust_facts(folder: Path) -> TrustFacts | None:
    """Return what the fidelity check in a folder of dynamics says; None if there was none."""
    if not FIDELITY.is_whole(folder):
        return None
    fidelity = FIDELITY.read(folder)
    return TrustFacts(
        verdict=fidelity.verdict,
        horizon=fidelity.trusted,
        judged=fidelity.codes.horizons[-1],
        temperature=fidelity.temperature,
    )


def _start_assets(
    experiment: Experiment,
    encoder: Encoder,
    shown: ShownEpisodes,
    starts: list[HeldOutFrame],
    card: DynamicsCard,
) -> tuple[Asset, Asset, Asset]:
    """Return codes (S, B + 1, D), actions (S, B, W), and how many of B each start has (S,)."""
    most, space = experiment.dream.burn_in, shown.store.action_space
    before = [min(most, start.frame) for start in starts]
    codes, actions = [], []
    for start, count in zip(starts, before, strict=True):
        inputs = shown.inputs(start, encoder.stack, most)
        code = codes_of(encoder, inputs, shown.keys(start, card.keys, most))
        taken = recorded_actions(shown.store, start.record, space)
        padding = (most - count, 0), (0, 0)
        codes.append(np.pad(code, padding))
        actions.append(np.pad(taken[start.frame - count : start.frame], padding))
    return (
        Asset.of("starts-codes", np.stack(codes)),
        Asset.of("starts-actions", np.stack(actions)),
        Asset.of("starts-before", np.array(before, np.int32)),
    )
