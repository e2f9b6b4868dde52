"""The action that leaves a file is one of the environment's own space, and its agent's."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
from gymnasium import spaces

from tests.odd import ACTIONS
from worldvae.envs.actions import EnvActions, agent_space
from worldvae.export.ends import ActionWriter
from worldvae.export.onnx_file import model_bytes
from worldvae.export.signature import ACTION, ExportedGraph, Tensors, floats

BOXES = {kind: space for kind, space in ACTIONS.items() if isinstance(space, spaces.Box)} | {
    "bounds that float32 has not": spaces.Box(-0.1, 0.1, (2,), np.float64),
    "whole numbers that float32 has not": spaces.Box(0, 2**28 - 1, (2,), np.int64),
    "float16": spaces.Box(-0.1, 0.1, (2,), np.float16),
    "small whole numbers": spaces.Box(-3, 100, (2,), np.int16),
}


class Written(ExportedGraph):
    """A file of nothing but the writer."""

    def __init__(self, space: spaces.Box) -> None:
        super().__init__()
        self._write = ActionWriter(space, steers=False)
        self.inputs = (floats("chosen", "by a policy", *agent_space(space).shape),)
        self.outputs = (self._write.spec,)

    def compute(self, tensors: Tensors) -> Tensors:
        return {ACTION: self._write(tensors["chosen"])}


@pytest.mark.parametrize("kind", BOXES)
def test_what_a_policy_chooses_at_its_bounds_is_in_the_space(kind: str) -> None:
    """A network computes in float32, in which not every bound of a space can be told."""
    space = BOXES[kind]
    policy: Any = agent_space(space)
    chosen = np.stack([policy.low, policy.high]).astype(np.float32)
    session = onnxruntime.InferenceSession(model_bytes(Written(space), "the end", {}))
    (written,) = session.run([ACTION], {"chosen": chosen})
    convert = EnvActions(space)
    expected = [convert(np.clip(action, policy.low, policy.high)) for action in chosen]
    assert all(np.asarray(action) in space for action in written)
    assert written.dtype == space.dtype
    np.testing.assert_array_equal(written, np.stack(expected))
