"""Exports dynamics alone: latents and actions in, what they remember and predict out."""

from __future__ import annotations

from pathlib import Path

from worldvae.dynamics.checkpoint import hash_dynamics, load_dynamics
from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.dynamics.model import Dynamics
from worldvae.export.onnx_file import check_onnx, write_onnx
from worldvae.export.remembering import RememberGraph, action_spec
from worldvae.export.signature import (
    ACTION,
    EPISODE_START,
    KEY,
    STARTS,
    ActionCard,
    ExportCard,
    ExportedGraph,
    Tensors,
    floats,
    next_name,
    next_of,
)
from worldvae.versions import library_versions

LATENTS = "latents"


def predicted_key(name: str) -> str:
    """Return the output for a key, which may be called as something else that is predicted."""
    return f"predicted_{KEY}{name}"


class DynamicsGraph(ExportedGraph):
    """Takes in what the last action led to, and predicts what the next one may lead to.

    Predictions are the expectations of the first member. Fed back as `latents` they are a dream
    without chance.
    """

    def __init__(self, dynamics: Dynamics, card: DynamicsCard) -> None:
        super().__init__()
        self._remember = RememberGraph(dynamics, card)
        self._latents, self._keys = dynamics.latents, card.keys
        states = self._remember.states
        self.inputs = (
            floats(LATENTS, "whitened latents of the newest frame", dynamics.latents),
            *(floats(KEY + key.name, f"the key {key.name!r}", key.size) for key in card.keys),
            STARTS,
            *states,
            action_spec(card.actions, ACTION, "the action whose outcome is predicted"),
        )
        self.outputs = (
            floats("memory", "what agents observe beside the latents", dynamics.memory_size),
            floats("predicted_latents", "expected whitened latents after it", dynamics.latents),
            *(
                floats(predicted_key(key.name), f"expected {key.name!r} after it", key.size)
                for key in card.keys
            ),
            floats("predicted_reward", "expected reward of the action"),
            floats("end_probability", "of a termination by the action"),
            *next_of(states),
        )

    def compute(self, tensors: Tensors) -> Tensors:
        keys = {key.name: tensors[KEY + key.name] for key in self._keys}
        state, memory, after = self._remember(
            tensors[LATENTS], keys, tensors[EPISODE_START], tensors
        )
        action = tensors[ACTION]
        remember = self._remember
        predicted = remember.dynamics.predict(state, remember.actions(action))
        code = remember.dynamics.moved(state.code, predicted.change.mean())
        sizes = [self._latents, *(key.size for key in self._keys)]
        latents, *parts = code.split_with_sizes(sizes, -1)
        shown = {
            predicted_key(key.name): remember.units[key.name].undone(part)
            for key, part in zip(self._keys, parts, strict=True)
        }
        return {
            "memory": memory,
            "predicted_latents": latents,
            **shown,
            "predicted_reward": predicted.reward,
            "end_probability": predicted.end_probability,
            **after,
            next_name(remember.states[-1].name): action,
        }


def export_dynamics(folder: Path, path: Path) -> ExportCard:
    """Write the dynamics in `folder` to `path` as ONNX, and return what its metadata say.

    Raises ArtifactError if there are no whole dynamics, ConfigError without the extra for exports.
    """
    check_onnx()
    dynamics, origin = load_dynamics(folder)
    graph = DynamicsGraph(dynamics, origin)
    choices = origin.actions.choices
    card = ExportCard(
        kind="dynamics",
        inputs=graph.inputs,
        outputs=graph.outputs,
        made_from={
            "dynamics": hash_dynamics(folder),
            "encoder": origin.encoder_sha256,
            "rollouts": origin.data_sha256,
        },
        env_id=origin.env_id,
        preprocessing="",
        settings={"trained": origin.trained, "scores": origin.scores},
        actions=ActionCard(
            kind="box" if choices is None else "discrete",
            names=(),
            low=origin.actions.low,
            high=origin.actions.high,
        ),
        action_repeat=origin.action_repeat,
        versions=library_versions(),
    )
    write_onnx(path, graph, card)
    return card
