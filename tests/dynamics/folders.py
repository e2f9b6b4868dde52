"""A folder of small untrained dynamics of Dots, whose starts are made up, beside its encoder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from tests.dynamics.coded import CodedEpisodes, coded
from tests.dynamics.linear import linear_card
from tests.encoders import DOTS, make_encoder
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.dynamics.actions import PolicyActions
from worldvae.dynamics.checkpoint import save_dynamics
from worldvae.dynamics.config import DynamicsNetwork, DynamicsObjective
from worldvae.dynamics.dynamics_files import DynamicsModelConfig, KeyUnits
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.starts_file import save_starts

KEY = KeyUnits(name="speed", mean=(3.0, 0.0), std=(2.0, 1.0))
LATENTS, CHOICES = 8, 5


@dataclass(frozen=True)
class Folders:
    """Where dynamics and their encoder are."""

    dynamics: Path
    encoder: Path


def made_up(count: int, code_size: int, action_size: int, seed: int) -> CodedEpisodes:
    """Episodes of noise."""
    generator = np.random.default_rng(seed)
    lengths = 4 + np.arange(count) % 5
    every = [
        coded(
            generator.standard_normal((length + 1, code_size), np.float32),
            generator.uniform(-1, 1, (length, action_size)).astype(np.float32),
            bool(length % 2),
        )
        for length in lengths
    ]
    return CodedEpisodes(every)


def make_folders(
    folder: Path,
    keys: tuple[KeyUnits, ...] = (),
    box: bool = False,
    color: str = "rgb",
    end_logit: float = 1.0,
    **network: Any,
) -> Folders:
    """Write both folders; with `box` actions are two numbers in place of five choices.

    About one decision in five ends a dream, or as `end_logit` says.
    """
    found = Folders(folder / "dynamics", folder / "encoder")
    frame = DOTS.frame.model_copy(update={"color": color})
    make_encoder(DOTS.model_copy(update={"frame": frame})).save(found.encoder)
    actions = PolicyActions(low=(-1, -1), high=(1, 3)) if box else PolicyActions(choices=CHOICES)
    numbers = sum(key.size for key in keys)
    model = Dynamics(
        DynamicsModelConfig(
            network=DynamicsNetwork(**{"memory": 12, "hidden": 16, **network}),
            objective=DynamicsObjective(),
            latents=LATENTS,
            keys=numbers,
            action_size=actions.size,
        ),
        seed=1,
    )
    with torch.no_grad():
        for member in model.members:
            member.end.bias.fill_(end_logit)
    card = linear_card(keys, "camera" if keys else None).model_copy(
        update={"actions": actions, "encoder_sha256": hash_encoder(found.encoder)}
    )
    save_dynamics(found.dynamics, model, card)
    splits = {
        split: made_up(count, LATENTS + numbers, actions.size, seed=count)
        for split, count in (("train", 9), ("validation", 3), ("test", 4))
    }
    save_starts(found.dynamics, splits, burn_in=16, bank=32)
    return found
