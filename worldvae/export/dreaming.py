"""One step of a dream as a graph: what each member of the dynamics predicts, to be drawn outside.

Shapes: N dreams, K members, C carried numbers, Z latents, X keys, J components or classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor

from worldvae.dynamics.heads import Classes, Distribution, Mixture
from worldvae.dynamics.member import Member
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.state import DynamicsState, Prediction
from worldvae.export.signature import ExportedGraph, Tensors, floats

MEMORY, CODE, ACTION = "memory", "code", "action"


class DreamGraph(ExportedGraph):
    """Predicts what the next decision of N dreams may lead to, with all that sampling needs.

    A number of the code changes by a draw of one of J components, by their weights, and of a
    Gaussian with that component's mean and deviation. Heads of classes are components of deviation
    0. So `Mixture.sample` and `Classes.sample` can be repeated outside.
    """

    def __init__(self, dynamics: Dynamics) -> None:
        super().__init__()
        self.dynamics = deepcopy(dynamics).cpu().eval().requires_grad_(False)
        members, _, carried = self.dynamics.initial(1).carried.shape
        latents, keys, network = dynamics.latents, dynamics.keys, dynamics.config.network
        parts = network.bins if network.head == "categorical" else network.components
        parts = 1 if network.head == "gaussian" else parts
        memory = floats(MEMORY, "what each member carries", members, carried)
        self.inputs = (
            memory,
            floats(CODE, "whitened latents and standardised keys", latents + keys),
            floats(ACTION, "the encoded action", dynamics.action_size),
        )
        likelihoods = (
            floats("log_weights", "of the components of each latent", members, latents, parts),
            floats("means", "of the change, in each component", members, latents, parts),
            floats("deviations", "of the change, in each component", members, latents, parts),
        )
        first = dynamics.members[0]
        assert isinstance(first, Member)
        classes = 0 if first.keys is None else int(first.keys.values.shape[1])
        of_keys = (
            floats("key_log_weights", "of the classes of each key", members, keys, classes),
            floats("key_values", "the change, in each class", members, keys, classes),
        )
        self.outputs = (
            floats("next_memory", "the memory after the action", *memory.shape),
            *likelihoods,
            *(of_keys if keys else ()),
            floats("reward", "that each member expects", members),
            floats("end_probability", "that each member expects", members),
            floats("disagreement", "of the members, in deviations of a change"),
        )

    def compute(self, tensors: Tensors) -> Tensors:
        state = DynamicsState(tensors[MEMORY].transpose(0, 1), tensors[CODE])
        carried, predictions = self.dynamics.foresee(state, tensors[ACTION])
        components = [_components(one.change.latents) for one in predictions]
        return {
            "next_memory": carried.transpose(0, 1),
            "log_weights": _stacked([one.change.latents.log_weights for one in predictions]),
            "means": _stacked([means for means, _ in components]),
            "deviations": _stacked([deviations for _, deviations in components]),
            **_keys(predictions),
            "reward": _stacked([one.reward for one in predictions]),
            "end_probability": _stacked([one.end_probability for one in predictions]),
            "disagreement": self.dynamics.disagreement(predictions),
        }


def _components(change: Distribution) -> tuple[Tensor, Tensor]:
    """Return mean and deviation of each component: (N, D, J) each."""
    if isinstance(change, Mixture):
        return change.means, change.log_stds.exp()
    values = _values(change)
    return values, 0 * values


def _values(classes: Classes) -> Tensor:
    """Return the value of each class for N dreams: (N, D, J)."""
    return classes.values.nan_to_num() + 0 * classes.log_weights


def _keys(predictions: Sequence[Prediction]) -> Tensors:
    keys = [one.change.keys for one in predictions if one.change.keys is not None]
    if not keys:
        return {}
    return {
        "key_log_weights": _stacked([one.log_weights for one in keys]),
        "key_values": _stacked([_values(one) for one in keys]),
    }


def _stacked(parts: Sequence[Tensor]) -> Tensor:
    return torch.stack([*parts], 1)
