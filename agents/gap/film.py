"""Films one start twice: a held-out episode as it was recorded, and dreamed with its actions."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from gymnasium import spaces
from numpy.typing import NDArray

from agents.video.film import write_film
from agents.video.panels import Picture, fitted, text_line
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.checkpoint import load_dynamics
from worldvae.dynamics.codes import stacked
from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.dynamics.key_units import standardised
from worldvae.dynamics.model import Dynamics
from worldvae.envs.actions import agent_actions
from worldvae.rollouts import Record, RolloutStore
from worldvae.seeding import derive

FILM = "gap.webm"
RATE = 15.0
LONGEST_FILM = 400
"""The most decisions that are shown."""


@dataclass(frozen=True)
class RecordedStart:
    """A recorded episode of T decisions."""

    frames: NDArray[np.uint8]
    """(T + 1, H, W, C)."""
    actions: NDArray[np.float32]
    """(T, A): as dynamics read them."""
    keys: NDArray[np.float32]
    """(T + 1, X): the vectors beside the frame, standardised."""

    @classmethod
    def read(
        cls, store: RolloutStore, card: DynamicsCard, space: spaces.Space[Any]
    ) -> RecordedStart | None:
        """Return the longest test episode that a film can show; None without test episodes.

        `space` is the environment's own action space, in which actions are recorded.
        """
        tests = [record for record in store.healthy() if record.split == "test"]
        if not tests:
            return None
        record: Record = max(tests, key=lambda one: min(one.length, LONGEST_FILM))
        taken = store.arrays(record)["action"]
        return cls(
            frames=store.frames(record),
            actions=card.actions.encode(agent_actions(taken, space)),
            keys=standardised(store.keys(record), card.keys, record.length + 1),
        )


def film_start(
    start: RecordedStart,
    encoder: Encoder,
    dynamics: Path,
    temperature: float,
    seed: int,
    path: Path,
) -> None:
    """Write a film of the episode: as recorded, what its latents keep, and one dream of it.

    The dream begins from the first frame and is told the recorded actions. It ends where its end
    is drawn.
    """
    model, _ = load_dynamics(dynamics)
    generator = torch.Generator().manual_seed(derive(seed, "gap", "film"))
    codes, ended = dream_along(model, start, encoder, temperature, generator)
    dreamed = encoder.decode(encoder.unwhiten(codes[:, : model.latents]))
    write_film(_pictures(start, encoder, dreamed, ended), RATE, path)


@torch.inference_mode()
def dream_along(
    model: Dynamics,
    start: RecordedStart,
    encoder: Encoder,
    temperature: float,
    generator: torch.Generator,
) -> tuple[NDArray[np.float32], bool]:
    """Return the dreamed codes (T' + 1, D) under the recorded actions, and whether it ended."""
    first = encoder.whiten(encoder.encode(stacked(start.frames, 0, 1, encoder.stack)))
    code = torch.from_numpy(np.concatenate([first, start.keys[:1]], 1).astype(np.float32))
    nothing = torch.zeros(1, start.actions.shape[1])
    state = model.observe(model.initial(1), code, nothing, torch.ones(1, dtype=torch.bool))
    codes = [code[0].numpy()]
    for action in torch.from_numpy(start.actions[:LONGEST_FILM]):
        state, step = model.imagine(state, action[None], generator, temperature)
        codes.append(step.code[0].numpy())
        if step.terminated:
            return np.stack(codes), True
    return np.stack(codes), False


def _pictures(
    start: RecordedStart, encoder: Encoder, dreamed: NDArray[np.uint8], ended: bool
) -> Iterator[Picture]:
    """Yield a picture for each decision; what has ended shows its last frame until both have."""
    real = start.frames[: LONGEST_FILM + 1]
    kept = encoder.reconstruct(stacked(real, 0, len(real), encoder.stack))
    for number in range(max(len(real), len(dreamed))):
        at = min(number, len(real) - 1)
        later = min(number, len(dreamed) - 1)
        is_over = ended and later == len(dreamed) - 1
        yield np.concatenate(
            [
                _panel("reality", f"decision {at}", real[at]),
                _panel("its latents keep", "", kept[at]),
                _panel("dream", f"{'ended at' if is_over else 'decision'} {later}", dreamed[later]),
            ],
            axis=1,
        )


def _panel(title: str, line: str, frame: NDArray[np.uint8]) -> Picture:
    return np.concatenate([text_line(title), text_line(line), fitted(frame)])
