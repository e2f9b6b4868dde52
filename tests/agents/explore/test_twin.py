"""The section on twins: real and dreamed under the same actions, with the errors of Python."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from agents.config.experiment import Experiment
from agents.explore.segments import ShownEpisodes
from agents.explore.twin_part import LONGEST, TwinPart, twin_parts
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.checkpoint import load_dynamics
from worldvae.rollouts import RolloutStore


@pytest.fixture(scope="module")
def twins(explored: Experiment) -> list[TwinPart]:
    shown = ShownEpisodes.of(RolloutStore(explored.rollouts_folder))
    _, card = load_dynamics(explored.dynamics_folder)
    encoder = Encoder.load(explored.encoder_folder)
    return twin_parts(encoder, shown, card, explored.dream.burn_in)


def arrays(twin: TwinPart) -> dict[str, Any]:
    return {
        asset.name.split("-")[2]: np.frombuffer(asset.data, asset.dtype).reshape(asset.shape)
        for asset in twin.assets
    }


def test_a_twin_is_a_piece_of_an_episode(twins: list[TwinPart], explored: Experiment) -> None:
    store = RolloutStore(explored.rollouts_folder)
    records = {record.name: record for record in store.records}
    for twin in twins:
        found, record = arrays(twin), records[twin.facts.episode]
        length, before = len(found["rewards"]), twin.facts.before
        assert record.split == "test"
        assert 0 < length <= min(LONGEST, record.length)
        assert before == min(explored.dream.burn_in, twin.facts.frame)
        real = slice(twin.facts.frame, twin.facts.frame + length)
        np.testing.assert_array_equal(found["rewards"], store.arrays(record)["reward"][real])
        frames = store.frames(record)[real.start : real.stop + 1]
        np.testing.assert_array_equal(found["frames"], frames)
        taken = store.arrays(record)["action"][real.start - before : real.stop]
        np.testing.assert_array_equal(found["actions"][:, 0], taken)
        assert len(found["codes"]) == before + length + 1


def test_it_moves_as_dreams_do(page: Any) -> None:
    """Where dynamics hold a key within what they were trained on, it stays there."""
    codes = page.wait(
        "const twin = (await worldvae.twinsReady).twins[0], { moved } = twin.dynamics;"
        "twin.dynamics.moved = (code) => code;"
        "try { return (await twin.dream(4, 1)).codes.map((code) => [...code]) }"
        "finally { twin.dynamics.moved = moved }"
    )
    assert len(codes) > 1
    assert all(code == codes[0] for code in codes)


def test_its_errors_are_those_of_python(
    page: Any, twins: list[TwinPart], explored: Experiment
) -> None:
    found = page.wait(
        "const view = await worldvae.twinsReady;"
        "const dreamed = await view.twins[0].dream(4, 0);"
        "return [dreamed.errors, dreamed.standstill, dreamed.rewards]"
    )
    real, before = arrays(twins[0]), twins[0].facts.before
    codes, actions = torch.from_numpy(real["codes"].copy()), real["actions"][:, 0].astype(int)
    model, _ = load_dynamics(explored.dynamics_folder)
    state, first = model.initial(1), torch.tensor([True])
    for step in range(before + 1):
        action = torch.eye(5)[[actions[step - 1] if step else 0]]
        state, first = model.observe(state, codes[[step]], action, first), torch.tensor([False])
    errors, rewards, start = [0.0], [], codes[before]
    member = page.run("return new worldvae.Random(4, -1).below(2)")
    for step in range(before, len(actions)):
        state, outcome = model.imagine(
            state, torch.eye(5)[[actions[step]]], torch.Generator(), 0.0, torch.tensor([member])
        )
        errors.append(float((outcome.code[0] - codes[step + 1]).square().mean()))
        rewards.append(float(outcome.reward))
    np.testing.assert_allclose(found[0], errors, rtol=1e-4, atol=1e-4)
    still = (codes[before:] - start).square().mean(1)
    np.testing.assert_allclose(found[1], still, rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(found[2], rewards, atol=1e-4)


def test_both_sides_are_shown_at_the_same_decision(
    page: Any, twins: list[TwinPart], explored: Experiment
) -> None:
    from tests.agents.explore.test_code import pixels

    page.wait("(await worldvae.twinsReady).goTo(3)")
    page.wait("await new Promise(done => setTimeout(done, 400))")
    real = arrays(twins[0])
    np.testing.assert_array_equal(pixels(page, "twin-real"), real["frames"][3])
    encoder = Encoder.load(explored.encoder_folder)
    kept = encoder.decode(encoder.unwhiten(real["codes"][[twins[0].facts.before + 3]]))[0]
    assert np.abs(pixels(page, "twin-kept").astype(int) - kept).max() <= 1
    assert "decision 3: squared error" in page.run(
        "return document.getElementById('twin-words').textContent"
    )
