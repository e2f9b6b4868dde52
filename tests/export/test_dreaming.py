"""The graph of a dream predicts what the dynamics predict, so that draws outside are theirs."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch

from tests.dynamics.test_model import make
from worldvae.dynamics.heads import Classes, Mixture
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.state import DynamicsState
from worldvae.export.dreaming import DreamGraph
from worldvae.export.onnx_file import model_bytes

onnxruntime: Any = pytest.importorskip("onnxruntime", reason="needs worldvae[fast]")

KINDS = list(itertools.product(["gru", "lstm"], ["mixture", "gaussian", "categorical"], [1, 3]))
DREAMS = 5


def noisy(core: str, head: str, members: int) -> Dynamics:
    """Untrained heads predict next to nothing."""
    model = make(core, head, members)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for weight in model.parameters():
            weight.add_(0.3 * torch.randn(weight.shape, generator=generator))
    return model


def predicted(model: Dynamics, feeds: dict[str, Any]) -> dict[str, Any]:
    graph = DreamGraph(model)
    session = onnxruntime.InferenceSession(model_bytes(graph, "a dream", {}))
    names = [spec.name for spec in graph.outputs]
    found = dict(zip(names, session.run(names, feeds), strict=True))
    for spec in graph.outputs:
        assert found[spec.name].shape == (DREAMS, *spec.shape), spec.name
    return found


@pytest.mark.parametrize(("core", "head", "members"), KINDS)
def test_it_predicts_what_the_members_predict(core: str, head: str, members: int) -> None:
    model, draw = noisy(core, head, members), np.random.default_rng(0)
    feeds = {
        spec.name: draw.normal(size=(DREAMS, *spec.shape)).astype(np.float32)
        for spec in DreamGraph(model).inputs
    }
    found = predicted(model, feeds)
    memory, code, actions = map(torch.from_numpy, feeds.values())
    carried, predictions = model.foresee(DynamicsState(memory.transpose(0, 1), code), actions)

    def same(name: str, member: int, expected: torch.Tensor) -> None:
        np.testing.assert_allclose(found[name][:, member], expected.detach(), atol=2e-5, rtol=1e-4)

    for member, one in enumerate(predictions):
        latents, keys = one.change.latents, one.change.keys
        assert isinstance(keys, Classes)
        same("next_memory", member, carried[member])
        same("reward", member, one.reward)
        same("end_probability", member, one.end_probability)
        same("log_weights", member, latents.log_weights)
        same("key_log_weights", member, keys.log_weights)
        same("key_values", member, keys.values.nan_to_num().expand(DREAMS, -1, -1))
        if isinstance(latents, Mixture):
            same("means", member, latents.means)
            same("deviations", member, latents.log_stds.exp())
        else:
            same("means", member, latents.values.nan_to_num().expand(DREAMS, -1, -1))
            assert (found["deviations"] == 0).all()
    expected = model.disagreement(predictions).detach()
    np.testing.assert_allclose(found["disagreement"], expected, atol=1e-5, rtol=1e-4)
    assert found["disagreement"].max() > 0 or members == 1
