"""A world in which the next frame depends on the action: who is told can draw it, others cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.autoencoders.tiny import Frames, tiny
from worldvae.autoencoders.examples import FrameBatch
from worldvae.autoencoders.model import Autoencoder
from worldvae.errors import WorldvaeError

SHAPE = (32, 32, 1)
SIDE = 8
NETWORK = {"latents": 4, "channels": (8, 16, 16)}


def square(column: int) -> np.ndarray:
    frame = np.zeros(SHAPE, np.uint8)
    frame[12 : 12 + SIDE, column : column + SIDE] = 255
    return frame


def steps() -> tuple[np.ndarray, np.ndarray]:
    """Every step of a square that action 0 moves SIDE to the left and action 1 to the right.

    Frames (B, H, W, 2), the one after the action last; actions one-hot (B, 1, 2).
    """
    places = [(column, action) for column in range(SIDE, 17) for action in (0, 1)]
    pairs = [(square(c), square(c + (2 * action - 1) * SIDE)) for c, action in places]
    frames = np.stack([np.concatenate(pair, axis=-1) for pair in pairs])
    return frames, np.eye(2, dtype=np.float32)[[[action] for _, action in places]]


def trained(actions: bool) -> tuple[Autoencoder, FrameBatch, float]:
    """A model after 250 steps on all there is, and its squared error there."""
    frames, taken = steps()
    source = Frames(frames, told=taken if actions else None)
    config = tiny(NETWORK, name="ae", predict=1, actions=actions, likelihood="bernoulli")
    model = Autoencoder.for_frames(config, SHAPE, source, seed=0)
    batch = FrameBatch(torch.from_numpy(frames), torch.from_numpy(taken) if actions else None)
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    generator = torch.Generator().manual_seed(0)
    for step in range(250):
        loss, metrics = model.loss(batch, generator, step)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return model.eval(), batch, metrics["mse"].item()


def test_who_is_told_the_action_draws_what_others_can_only_average() -> None:
    """Left and right are equally likely: untold, the best of each of 2 SIDE^2 pixels is 1/2."""
    best_untold = 2 * SIDE**2 * 0.25 / (32 * 32)
    _, _, untold = trained(actions=False)
    model, batch, told = trained(actions=True)
    assert best_untold * 0.999 < untold < 1.5 * best_untold
    assert told < 0.25 * best_untold
    assert batch.actions is not None
    wrong = model.decode(model.encode(batch.frames[..., :1]).mean, 1 - batch.actions)
    target = batch.frames[..., 1:].permute(0, 3, 1, 2) / 255
    assert (wrong - target).square().mean() > 2 * best_untold


def test_no_actions_are_all_zero_actions() -> None:
    config = tiny(NETWORK, predict=2, actions=True)
    model = Autoencoder(config, SHAPE, seed=0, action_size=6)
    codes = torch.randn(5, 4, generator=torch.Generator().manual_seed(0))
    nothing = model.decode(codes, torch.zeros(5, 2, 3))
    assert torch.equal(model.decode(codes), nothing)
    assert not torch.equal(model.decode(codes, torch.ones(5, 2, 3)), nothing)


@pytest.mark.parametrize("actions", [True, False])
def test_frames_with_or_without_actions_against_the_objective_are_refused(actions: bool) -> None:
    frames, taken = steps()
    source = Frames(frames, told=None if actions else taken)
    config = tiny(NETWORK, predict=1, actions=actions)
    word = "with" if actions else "without"
    with pytest.raises(WorldvaeError, match=rf"objective is {word} actions, .*StoredFrames"):
        Autoencoder.for_frames(config, SHAPE, source, seed=0)


def test_its_size_of_actions_is_that_of_its_frames() -> None:
    frames, taken = steps()
    config = tiny(NETWORK, predict=1, actions=True)
    assert Autoencoder.for_frames(config, SHAPE, Frames(frames, told=taken), 0).action_size == 2
