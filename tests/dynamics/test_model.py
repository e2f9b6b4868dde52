"""The verbs of dynamics agree with each other, whatever their core, head and members."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from tests.dynamics.known import Episode, Windows, follow, untrained, windows
from worldvae.dynamics.model import Dynamics
from worldvae.training.config import FitConfig
from worldvae.training.run import TrainingRun

KINDS = list(itertools.product(["gru", "lstm"], ["mixture", "gaussian", "categorical"], [1, 3]))


def data(keys: int = 1) -> Windows:
    random = np.random.default_rng(0)
    episodes = []
    for length in (9, 4, 9, 7):
        codes = random.normal(size=(length + 1, 3 + keys))
        codes[:, 3:] = codes[:, 3:].round()
        actions = np.eye(2)[random.integers(2, size=length)]
        episodes.append((codes, actions, random.normal(size=length), length == 4))
    return windows(episodes, 9)


def make(core: str, head: str, members: int) -> Dynamics:
    return untrained(data(), keys=1, core=core, head=head, members=members).eval()


def disturbed(model: Dynamics) -> Dynamics:
    """Let heads depend on what they read, which those of classes and of events begin without."""
    generator = torch.Generator().manual_seed(7)
    with torch.no_grad():
        for weights in model.parameters():
            weights.add_(torch.randn(weights.shape, generator=generator), alpha=0.1)
    return model


@pytest.mark.parametrize(("core", "head", "members"), KINDS)
def test_observing_step_by_step_is_reading_a_window(core: str, head: str, members: int) -> None:
    model, batch = make(core, head, members), data().batch
    codes, actions = batch.mean.numpy(), batch.actions.numpy()
    state = follow(model, codes[:, :7], actions[:, :6])
    assert torch.equal(state.code, batch.mean[:, 6])
    for carried, member in zip(state.carried, model.members, strict=True):
        start = torch.zeros(len(batch), carried.shape[1])
        read = member.read(batch.mean[:, :6], batch.actions[:, :6], start)[:, -1]
        torch.testing.assert_close(carried, read, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("core", "head", "members"), KINDS)
def test_what_is_imagined_is_remembered_as_what_is_observed(
    core: str, head: str, members: int
) -> None:
    model = disturbed(make(core, head, members))
    batch, generator = data().batch, torch.Generator().manual_seed(0)
    state = follow(model, batch.mean[:, :3].numpy(), batch.actions[:, :2].numpy())
    imagined, step = model.imagine(state, batch.actions[:, 2], generator)
    start = torch.zeros(len(batch), dtype=torch.bool)
    observed = model.observe(state, step.code, batch.actions[:, 2], start)
    assert torch.equal(imagined.carried, observed.carried)
    assert torch.equal(imagined.code, observed.code)
    assert (step.disagreement > 0).all() if members > 1 else (step.disagreement == 0).all()


@pytest.mark.parametrize("step", [0, None], ids=["training", "evaluation"])
@pytest.mark.parametrize(("core", "head", "members"), KINDS)
def test_bfloat16_computes_the_same_loss_and_all_its_gradients(
    core: str, head: str, members: int, step: int | None
) -> None:
    model = make(core, head, members).train(step is not None)
    losses = {}
    for half in (False, True):
        model.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            loss, metrics = model.loss(data().batch, torch.Generator().manual_seed(0), step)
        loss.backward()  # type: ignore[no-untyped-call]
        assert all(value.detach().isfinite() for value in metrics.values())
        gradients = [parameter.grad for parameter in model.parameters()]
        assert all(one is not None and one.isfinite().all() for one in gradients)
        losses[half] = float(loss.detach())
    assert losses[True] == pytest.approx(losses[False], rel=0.02)


@pytest.mark.parametrize("core", ["gru", "lstm"])
def test_bfloat16_carries_float32(core: str) -> None:
    """A hundred steps of bfloat16 would round away what a memory keeps for as long."""
    model = make(core, "mixture", 1)
    codes, actions = torch.randn(2, 100, 4), torch.randn(2, 100, 2)
    cell = model.members[0].cell  # type: ignore[union-attr]
    exact = model.members[0].read(codes, actions, torch.zeros(2, cell.carried))  # type: ignore
    with torch.autocast("cpu", torch.bfloat16):
        carried = model.members[0].read(codes, actions, torch.zeros(2, cell.carried))  # type: ignore
    assert carried.dtype == torch.float32
    torch.testing.assert_close(carried, exact, atol=0.03, rtol=0)


def test_the_memory_at_the_start_of_an_episode_knows_nothing() -> None:
    model, batch = make("gru", "mixture", 1), data().batch
    state = follow(model, batch.mean[:, :3].numpy(), batch.actions[:, :2].numpy())
    first = torch.tensor([True, False, True, False])
    state = model.observe(state, batch.mean[:, 3], batch.actions[:, 2], first)
    memory = model.memory(state)
    assert (memory[first] == 0).all()
    spread = memory[~first].std(1, correction=0).detach().numpy()
    assert spread == pytest.approx(1, abs=1e-2)


def test_a_temperature_of_0_is_deterministic_and_higher_ones_spread_more() -> None:
    model = make("gru", "mixture", 1)
    state = model.initial(2_000)
    actions = torch.eye(2)[torch.zeros(2_000, dtype=torch.int64)]

    def codes(temperature: float) -> torch.Tensor:
        generator = torch.Generator().manual_seed(1)
        return model.imagine(state, actions, generator, temperature)[1].code

    assert codes(0.0)[:, :3].std(0).max() == 0
    assert (codes(0.5)[:, :3].std(0) < codes(1.5)[:, :3].std(0)).all()


@pytest.mark.parametrize("temperature", [0.0, 0.5, 1.0, 2.0])
def test_keys_change_at_their_true_rate_at_any_temperature(temperature: float) -> None:
    model = make("gru", "mixture", 1)
    model.key_range.copy_(torch.tensor([[-99.0], [99.0]]))
    state, actions = model.initial(4_000), torch.eye(2)[torch.zeros(4_000, dtype=torch.int64)]
    torch.nn.init.normal_(model.get_submodule("members.0.keys.layer").get_parameter("bias"), 0, 2)
    keys = model.predict(state, actions).change.keys
    assert keys is not None
    expected, deviation = keys.mean()[0, 0].item(), keys.std()[0, 0].item()
    assert deviation > 0.1
    drawn = model.imagine(state, actions, torch.Generator().manual_seed(1), temperature)[1].code
    assert drawn[:, 3].mean().item() == pytest.approx(expected, abs=5 * deviation / 63)
    assert drawn[:, 3].std().item() == pytest.approx(deviation, rel=0.1)


def test_each_course_follows_its_own_member() -> None:
    model = make("gru", "gaussian", 3)
    state, actions = model.initial(3), torch.eye(2)[[0, 0, 0]]
    drawn = [
        model.imagine(state, actions, torch.Generator().manual_seed(0), 0.0, members)[1].code
        for members in (torch.tensor([0, 1, 2]), torch.tensor([2, 2, 2]))
    ]
    assert torch.equal(drawn[0][2], drawn[1][2])
    assert not torch.equal(drawn[0][0], drawn[1][0])


def test_an_evaluation_judges_by_the_free_running_error() -> None:
    model, batch = make("gru", "mixture", 1), data().batch
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        loss, metrics = model.loss(batch, generator, None)
    parts = [value for name, value in metrics.items() if name.startswith("free_")]
    assert len(parts) == 4
    assert float(metrics["loss"]) == pytest.approx(sum(map(float, parts)) / 4)
    assert float(metrics["loss"]) != float(loss)


def of_lengths(*lengths: int) -> Windows:
    """64 windows of each length in a row, so that batches of 64 hold one length; none ends."""
    episodes: list[Episode] = []
    for length in lengths:
        every = np.random.default_rng(length).normal(size=(64, length + 1, 2))
        episodes += [(codes, np.zeros((length, 1)), np.ones(length), False) for codes in every]
    return windows(episodes, 12)


def evaluated(data: Windows, folder: Path) -> dict[str, float]:
    """What a training says of untrained dynamics that observe 8 decisions."""
    model = untrained(of_lengths(12), objective={"observed": 8})
    config = FitConfig(steps=1, batch_size=64, evaluate_every=1, precision="float32")
    return TrainingRun(model, config, folder, 0, torch.device("cpu")).evaluate(data)


def test_windows_that_never_run_freely_do_not_judge_how_that_goes(tmp_path: Path) -> None:
    long, short = evaluated(of_lengths(12), tmp_path), evaluated(of_lengths(1), tmp_path)
    both = evaluated(of_lengths(12, 1), tmp_path)
    free = {name for name in long if name.startswith("free_")}
    assert free == {"free_codes"}  # rewards and ends are all the same
    assert {name: both[name] for name in free} == {name: long[name] for name in free}
    assert both["loss"] == long["loss"]
    assert both["nll"] == pytest.approx((long["nll"] + short["nll"]) / 2)
    # Where nothing runs freely, weights are judged by what they learn from.
    assert not free & set(short)
    assert short["loss"] == pytest.approx(short["nll"] + short["reward"] + short["end"], rel=1e-5)


@pytest.mark.parametrize(
    "objective",
    [{"own_samples": 0.0}, {"input_noise": 0.0}, {"sample_codes": True}, {"observed": 8}],
)
def test_every_objective_has_a_gradient_for_all_weights(objective: dict[str, Any]) -> None:
    model = untrained(data(), keys=1, objective=objective)
    loss, metrics = model.loss(data().batch, torch.Generator().manual_seed(0), 0)
    loss.backward()
    assert torch.isfinite(loss)
    assert all(weight.grad is not None for weight in model.parameters())
    assert ("own_end" in metrics) == (objective.get("own_samples") != 0.0)


def test_every_member_is_judged_by_how_it_runs_freely() -> None:
    """Each dream follows one of them."""
    model, batch = make("gru", "mixture", 2), data().batch
    errors = []
    for _ in range(2):
        errors.append(model.loss(batch, torch.Generator().manual_seed(0), None)[1]["loss"].item())
        with torch.no_grad():
            for weights in model.members[1].parameters():
                weights.mul_(20)
    assert errors[1] > 1.2 * errors[0]
