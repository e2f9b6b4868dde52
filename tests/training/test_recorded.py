"""Recorded steps make what steps one by one make; a tape records where there is no GPU."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.autoencoders.tiny import SHAPE, Frames, squares, tiny
from tests.dynamics.known import untrained, windows
from tests.training.data import Memory, Sequences
from tests.training.tape import no_transfers, record_on_tape
from worldvae.autoencoders.config import AutoencoderConfig
from worldvae.autoencoders.examples import FrameExamples
from worldvae.autoencoders.model import Autoencoder
from worldvae.dynamics.noise import Noise
from worldvae.fields import variants_of
from worldvae.seeding import derive
from worldvae.training.batches import Examples
from worldvae.training.config import FitConfig
from worldvae.training.cuda_graph import WARM_UP
from worldvae.training.fit import fit
from worldvae.training.metrics_log import METRICS
from worldvae.training.optimisation import Optimisation
from worldvae.training.recorded import RecordedSteps
from worldvae.training.run import TrainingRun
from worldvae.training.share import Share
from worldvae.training.trainable import Trainable

Made = tuple[list[Tensor], dict[str, Tensor]]
"""What one training leaves: losses and metrics of each step, and the weights."""
Case = Callable[[], tuple[Trainable[Any], Examples[Any]]]

CONFIG = FitConfig(steps=12, batch_size=6, learning_rate=1e-2, gradient_clip=1.0, evaluate_every=5)
STEPS = WARM_UP + 4


def autoencoder(critic: bool = False, **terms: Any) -> Case:
    def make() -> tuple[Autoencoder, FrameExamples]:
        config = tiny({"stack": terms.pop("stack", 1)}, **dict(terms))
        source = unrelated(config)
        judge = Autoencoder(tiny(), SHAPE, seed=5) if critic else None
        return Autoencoder.for_frames(config, SHAPE, source, 0, judge), FrameExamples(source)

    return make


def unrelated(config: AutoencoderConfig) -> Frames:
    frames = [squares(12, time) for time in range(config.window.length)]
    actions = np.random.default_rng(0).random((12, 2, 3), np.float32)
    told = actions if config.pixels.actions else None
    return Frames(np.concatenate(frames, axis=-1), told=told)


def dynamics(**settings: Any) -> Case:
    def make() -> tuple[Trainable[Any], Examples[Any]]:
        random, episodes = np.random.default_rng(0), []
        for length in (9, 4, 9, 7, 5, 6, 9, 3):
            codes = random.normal(size=(length + 1, 4))
            codes[:, 3:] = codes[:, 3:].round()
            actions = np.eye(2)[random.integers(2, size=length)]
            episodes.append((codes, actions, random.normal(size=length), length == 4))
        data = windows(episodes, 9)
        return untrained(data, keys=1, memory=8, hidden=8, **settings), data

    return make


OBJECTIVES = variants_of(AutoencoderConfig.model_fields["objective"])
PREDICTION = {"predict": 2, "actions": True, "standardise": True, "sigma": "learned"}
CASES: dict[str, Case] = {
    **{name: autoencoder(name=name) for name in OBJECTIVES},
    **{f"{name} predicting": autoencoder(name=name, **PREDICTION) for name in OBJECTIVES},
    "linear": autoencoder(beta_schedule="linear", beta_steps=6),
    "cyclic": autoencoder(beta_schedule="cyclic", beta_steps=4),
    "capacity": autoencoder(name="capacity_vae", capacity_steps=6),
    "motion": autoencoder(motion_weight=2.0, likelihood="bernoulli"),
    "masked": autoencoder(name="dae", mask=0.3),
    "perceptual": autoencoder(critic=True, likelihood="none", perceptual=1.0),
    **{
        f"dynamics {core} {head}": dynamics(core=core, head=head)
        for core, head in itertools.product(["gru", "lstm"], ["mixture", "gaussian", "categorical"])
    },
    "ensemble of dynamics": dynamics(members=3),
    "noisy dynamics": dynamics(objective={"input_noise": 0.1, "own_samples": 0.0}),
    "sequences": lambda: (Memory(), Sequences(12, 0)),
}


def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(work: object, device: object, generator: object) -> NoReturn:
        raise RuntimeError("none here\nand more")

    monkeypatch.setattr("worldvae.training.recorded.record", refuse)


def batches(examples: Examples[Any], device: str = "cpu") -> list[Any]:
    numbers = np.random.default_rng(1).integers(len(examples), size=(STEPS, CONFIG.batch_size))
    return [examples.read(row).to(torch.device(device)) for row in numbers]


def make(case: Case, precision: str = "float32", device: str = "cpu") -> Made:
    torch.manual_seed(0)
    model, examples = case()
    model.to(torch.device(device))
    model.train(True)
    config = CONFIG.model_copy(update={"precision": precision})
    optimisation = Optimisation(model, config, torch.device(device), recordable=True)
    steps, told = RecordedSteps(optimisation), []
    for number, batch in enumerate(batches(examples, device)):
        optimisation.set_learning_rate(config.learning_rate_at(number))
        loss, metrics = steps.step(batch, derive(0, "noise", number), number)
        told += [loss, *metrics.values()]
    return told, model.state_dict()


def assert_equal(first: Made, second: Made) -> None:
    for one, other in zip(first[0], second[0], strict=True):
        torch.testing.assert_close(one, other, rtol=0, atol=0)
    torch.testing.assert_close(first[1], second[1], rtol=0, atol=0, equal_nan=True)


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_replay_makes_the_step_that_is_made_kernel_by_kernel(
    monkeypatch: pytest.MonkeyPatch, case: Case, precision: str
) -> None:
    with monkeypatch.context() as patch:
        one_by_one(patch)
        with pytest.warns(UserWarning, match="kernel by kernel, which is slower.*: none here$"):
            expected = make(case, precision)
    monkeypatch.setattr("worldvae.training.recorded.record", record_on_tape)
    with warnings.catch_warnings(action="error"):
        recorded = make(case, precision)
    assert_equal(recorded, expected)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_no_loss_copies_to_the_gpu(monkeypatch: pytest.MonkeyPatch, case: Case) -> None:
    """A copy would wait for the GPU, which a step that is recorded must not."""

    def draw(share: Share, draw: object, shape: Any, generator: object) -> Tensor:
        return torch.empty(shape, device="meta")

    def of_dynamics(noise: Noise, *shape: int) -> Tensor:
        return torch.empty(shape, device="meta")

    model, examples = case()
    model.to(torch.device("meta"))
    model.train(True)
    monkeypatch.setattr(Share, "draw", draw)
    for name in ("normal", "uniform"):
        monkeypatch.setattr(Noise, name, of_dynamics)
    monkeypatch.setattr(torch, "autocast", lambda *_, **__: nullcontext())  # knows no such device
    batch = examples.read(np.arange(4)).to(torch.device("meta"))
    step = torch.zeros((), device="meta")
    model.loss(batch, torch.Generator(), step)  # the first call may send what stays there
    with no_transfers():
        loss, _ = model.loss(batch, torch.Generator(), step)
        loss.backward()


def train(folder: Path, steps: int = 12, device: str = "cpu", **schedule: Any) -> nn.Module:
    config = tiny(beta=2.0, sigma="learned", **schedule)
    data = [FrameExamples(Frames(squares(count, seed))) for count, seed in ((50, 0), (20, 1))]
    model = Autoencoder(config, SHAPE, 0)
    settings = CONFIG.model_copy(update={"precision": "float32", "learning_rate": 1e-3})
    fit(model.to(device), *data, settings.model_copy(update={"steps": steps}), folder, 0)
    return model


@pytest.fixture
def on_tape(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worldvae.training.run.can_record", lambda _: True)
    monkeypatch.setattr("worldvae.training.recorded.record", record_on_tape)


SCHEDULES: dict[str, dict[str, Any]] = {
    "constant": {},
    "linear": {"beta_schedule": "linear", "beta_steps": 9},
    "cyclic": {"beta_schedule": "cyclic", "beta_steps": 5},
}


@pytest.mark.parametrize("schedule", SCHEDULES.values(), ids=SCHEDULES)
def test_a_recorded_training_is_the_one_that_is_not(
    tmp_path: Path, request: pytest.FixtureRequest, schedule: dict[str, Any]
) -> None:
    """But for rounding: the number of the step and the learning rate are float32 in a record."""
    expected = train(tmp_path / "plain", **schedule)
    request.getfixturevalue("on_tape")
    recorded = train(tmp_path / "recorded", **schedule)
    torch.testing.assert_close(recorded.state_dict(), expected.state_dict(), rtol=1e-4, atol=1e-5)
    plain, again = (METRICS.read(tmp_path / name) for name in ("plain", "recorded"))
    for one, other in zip(plain, again, strict=True):
        assert other.metrics == pytest.approx(one.metrics, rel=1e-4)


@pytest.mark.usefixtures("on_tape")
def test_a_recorded_training_goes_on_to_the_bit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = train(tmp_path / "whole")
    with monkeypatch.context() as patch:
        patch.setattr("worldvae.training.run.TrainingRun.reason_to_stop", stops_after(7))
        train(tmp_path / "cut")
    went_on = train(tmp_path / "cut")
    torch.testing.assert_close(went_on.state_dict(), expected.state_dict(), rtol=0, atol=0)


def stops_after(step: int) -> Callable[[TrainingRun[Any]], str | None]:
    return lambda run: "minutes" if run.progress.step >= step else None


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_graph_makes_the_step_that_is_made_kernel_by_kernel(
    monkeypatch: pytest.MonkeyPatch, case: Case, precision: str
) -> None:
    """But for sums whose order a GPU does not fix."""
    with warnings.catch_warnings(action="error"):
        recorded = make(case, precision, "cuda")
    one_by_one(monkeypatch)
    with pytest.warns(UserWarning, match="kernel by kernel"):
        expected = make(case, precision, "cuda")
    for one, other in zip(recorded[0], expected[0], strict=True):
        torch.testing.assert_close(one, other, rtol=1e-2, atol=1e-3)
