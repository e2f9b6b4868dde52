"""Every objective with every code and stack: it trains, resumes and comes back to the bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.autoencoders.tiny import ORIGIN, SHAPE, Frames, KilledError, squares, tiny
from worldvae.autoencoders.cards import summarise
from worldvae.autoencoders.checkpoint import load_autoencoder, save_autoencoder
from worldvae.autoencoders.config import AutoencoderConfig
from worldvae.autoencoders.examples import FrameExamples
from worldvae.autoencoders.model import Autoencoder
from worldvae.fields import variants_of
from worldvae.training.config import FitConfig
from worldvae.training.fit import fit

NAMES = tuple(variants_of(AutoencoderConfig.model_fields["objective"]))
CODES = ("vector", "grid", "keypoints")
# One combination of the other terms for each stack.
TERMS: dict[int, dict[str, Any]] = {
    1: {"motion_weight": 2.0, "likelihood": "bernoulli"},
    3: {"predict": 2, "actions": True, "standardise": True, "sigma": "learned"},
}
# Each objective once.
SOME = [(name, CODES[k % 3], (1, 3)[k % 2]) for k, name in enumerate(NAMES)]
THRICE = FitConfig(
    steps=4, batch_size=4, evaluate_every=2, validation_frames=6, precision="float32"
)


def configured(name: str, code: str, stack: int) -> AutoencoderConfig:
    network = {"latents": 8, "channels": (8, 8, 8, 8), "code": code, "stack": stack}
    return tiny(network, name=name, **TERMS[stack])


def source(config: AutoencoderConfig, count: int, seed: int, dies_at: int | None = None) -> Frames:
    """Unrelated squares as windows, random actions if they are asked for."""
    frames = [squares(count, 100 * seed + time) for time in range(config.window.length)]
    actions = np.random.default_rng(seed).random((count, 2, 3), np.float32)
    told = actions if config.pixels.actions else None
    return Frames(np.concatenate(frames, axis=-1), dies_at, told)


def run(config: AutoencoderConfig, folder: Path, dies_at: int | None = None) -> Autoencoder:
    train = source(config, 12, seed=0, dies_at=dies_at)
    # Not the killed source: what the model measures in it is no part of the run.
    model = Autoencoder.for_frames(config, SHAPE, source(config, 12, seed=0), seed=0)
    fit(
        model,
        FrameExamples(train),
        FrameExamples(source(config, 6, seed=1)),
        THRICE,
        folder,
        seed=0,
    )
    return model


def equal(first: Autoencoder, second: Autoencoder) -> bool:
    own, other = first.state_dict(), second.state_dict()
    return own.keys() == other.keys() and all(torch.equal(own[key], other[key]) for key in own)


@pytest.mark.parametrize("stack", TERMS)
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("name", NAMES)
def test_it_learns_and_comes_back_to_the_bit(
    tmp_path: Path, name: str, code: str, stack: int
) -> None:
    config = configured(name, code, stack)
    train, test = source(config, 12, seed=0), source(config, 6, seed=1)
    model = Autoencoder.for_frames(config, SHAPE, train, seed=0)
    untrained = Autoencoder.for_frames(config, SHAPE, train, seed=0)
    # A loss that is not finite raises.
    fit(model, FrameExamples(train), FrameExamples(test), THRICE, tmp_path / "run", seed=0)
    assert all(
        not torch.equal(new, old)
        for new, old in zip(model.parameters(), untrained.parameters(), strict=True)
    )
    card = summarise(model, train, test, ORIGIN, trained=True)
    save_autoencoder(tmp_path, model, card)
    loaded, read = load_autoencoder(tmp_path)
    assert (loaded.config, read) == (config, card)
    assert loaded.action_size == model.action_size == (6 if stack == 3 else 0)
    assert equal(loaded, model)
    inputs = torch.from_numpy(config.window.inputs(test.frames))
    codes = model.encode(inputs).mean
    assert torch.equal(loaded.eval().encode(inputs).mean, codes)
    assert torch.equal(loaded.decode(codes), model.decode(codes))


@pytest.mark.parametrize(("name", "code", "stack"), SOME)
def test_it_learns_in_bfloat16(tmp_path: Path, name: str, code: str, stack: int) -> None:
    """As a processor with instructions for it does by itself."""
    config = configured(name, code, stack)
    train, test = source(config, 12, seed=0), source(config, 6, seed=1)
    losses = []
    for precision in ("float32", "bfloat16"):
        settings = THRICE.model_copy(update={"precision": precision})
        model = Autoencoder.for_frames(config, SHAPE, train, seed=0)
        examples = FrameExamples(train), FrameExamples(test)
        fitted = fit(model, *examples, settings, tmp_path / precision, seed=0)
        losses.append(fitted.metrics["loss"])
    assert losses[1] == pytest.approx(losses[0], rel=0.05)


@pytest.mark.parametrize(("name", "code", "stack"), SOME)
def test_it_resumes_to_the_bit(tmp_path: Path, name: str, code: str, stack: int) -> None:
    config = configured(name, code, stack)
    unbroken = run(config, tmp_path / "unbroken")
    with pytest.raises(KilledError):
        run(config, tmp_path / "killed", dies_at=4)  # after the checkpoint of step 2
    assert (tmp_path / "killed" / "checkpoint.pt").exists()
    assert equal(run(config, tmp_path / "killed"), unbroken)
