"""What comes into a file is what policies observe; what leaves it, what environments take."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import pytest
import torch
from gymnasium import spaces

from tests.odd import ACTIONS, KEYS
from worldvae.envs.actions import EnvActions, agent_space
from worldvae.envs.observations import KeyEncoding
from worldvae.envs.wrappers import steer_throttle
from worldvae.export.ends import ActionWriter, KeyReader, action_card
from worldvae.export.onnx_file import model_bytes
from worldvae.export.signature import ACTION, ActionCard, ExportedGraph, Tensors, floats

BOXES = {kind: space for kind, space in ACTIONS.items() if isinstance(space, spaces.Box)} | {
    "bounds that float32 has not": spaces.Box(-0.1, 0.1, (2,), np.float64),
    "whole numbers that float32 has not": spaces.Box(0, 2**28 - 1, (2,), np.int64),
    "float16": spaces.Box(-0.1, 0.1, (2,), np.float16),
    "small whole numbers": spaces.Box(-3, 100, (2,), np.int16),
}

SHOWN = KEYS | {"choices from others": spaces.MultiDiscrete([2, 3], start=[2, -1])}


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


@pytest.mark.parametrize("kind", ["discrete", "from five", "from below", "whole", "matrix"])
def test_what_a_policy_chooses_is_what_the_environment_takes(kind: str) -> None:
    space = ACTIONS[kind]
    policy, convert = agent_space(space), EnvActions(space)
    policy.seed(0)
    chosen = np.stack([np.asarray(policy.sample()) for _ in range(20)])
    written = ActionWriter(space, steers=False)(torch.from_numpy(chosen)).numpy()
    np.testing.assert_array_equal(written, np.stack([convert(action) for action in chosen]))


def test_a_car_is_steered_as_by_the_wrapper() -> None:
    space = spaces.Box(np.array([-1, 0, 0], "f4"), np.ones(3, "f4"))
    chosen = np.array([[0.3, 0.6], [-0.3, -0.6], [2.0, 3.0], [-2.0, -3.0]], np.float32)
    written = ActionWriter(space, steers=True)(torch.from_numpy(chosen)).numpy()
    expected = [steer_throttle(action) for action in chosen]
    np.testing.assert_array_equal(written, expected)


def test_the_card_tells_where_actions_begin_and_end() -> None:
    first = action_card(spaces.Discrete(3, start=5), ("a", "b", "c"))
    assert first == ActionCard(kind="discrete", start=5, names=("a", "b", "c"))
    box = action_card(spaces.Box(np.array([-1.0, 0.0]), np.array([1.0, 2.0])), ())
    assert box == ActionCard(kind="box", names=(), low=(-1, 0), high=(1, 2))


@pytest.mark.parametrize("kind", SHOWN)
def test_a_key_is_read_as_policies_observe_it(kind: str) -> None:
    space = SHOWN[kind]
    space.seed(0)
    encoding = KeyEncoding.of(kind, space)
    shown = np.stack([np.asarray(space.sample()) for _ in range(9)])
    read = KeyReader(encoding)(torch.from_numpy(shown)).numpy()
    np.testing.assert_array_equal(read, np.stack([encoding(one) for one in shown]))
