"""What an exported file takes and gives, and what its metadata say of it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field
from torch import Tensor, nn

from worldvae.json_files import Content

METADATA = "worldvae"
"""The key of the file's metadata that holds its `ExportCard` as JSON."""

FORMAT = 1

STATE, NEXT = "state_", "next_"
"""Prefixes of an input and of the output that becomes this input at the next decision."""

FRAME, EPISODE_START, NOISE, ACTION = "frame", "episode_start", "noise", "action"
KEY = "key_"
"""Prefix of an input for another key of a Dict observation."""

Tensors = dict[str, Tensor]


class TensorSpec(Content):
    """One input or output of a file, of N environments."""

    name: str = Field(description="Its name in the file.")
    dtype: str = Field(description="NumPy's name of its type.")
    shape: tuple[int, ...] = Field(description="Its shape for one environment, without N.")
    meaning: str = Field(description="What it holds, in which units.")


def floats(name: str, meaning: str, *shape: int) -> TensorSpec:
    """Return the spec of float32 numbers; without a shape, of one for each environment."""
    return TensorSpec(name=name, dtype="float32", shape=shape, meaning=meaning)


class ActionCard(Content):
    """What the actions of a file mean."""

    kind: Literal["discrete", "box"] = Field(description="A choice, or numbers.")
    start: int = Field(0, description="discrete: the first choice.")
    names: tuple[str, ...] = Field(
        description="The environment's names of choices or axes; none if it has none."
    )
    low: tuple[float, ...] = Field((), description="box: the least value of each axis.")
    high: tuple[float, ...] = Field((), description="box: the greatest value of each axis.")


class ExportCard(Content):
    """What the metadata of an exported file say, as JSON under the key "worldvae"."""

    format: int = Field(FORMAT, description="Version of these metadata.")
    kind: Literal["agent", "encoder", "dynamics"] = Field(description="What the file holds.")
    inputs: tuple[TensorSpec, ...] = Field(description="What it takes, each with N in front.")
    outputs: tuple[TensorSpec, ...] = Field(description="What it gives, each with N in front.")
    made_from: dict[str, str] = Field(description="SHA-256 of what it was made from.")
    env_id: str = Field(description="The environment.")
    preprocessing: str = Field(description="What the file does to a frame; empty: no frames.")
    settings: dict[str, Any] = Field(description="Of the environment, or of arm and algorithm.")
    actions: ActionCard | None = Field(None, description="What the actions mean.")
    action_repeat: int | None = Field(None, description="Environment steps in one decision.")
    decisions_per_second: float | None = Field(
        None, description="At the environment's nominal speed."
    )
    samples: bool | None = Field(
        None, description="Whether the agent was scored with noise; false: with zeros."
    )
    versions: dict[str, str] = Field(description="Software that made the file.")


class ExportedGraph(nn.Module):
    """A computation with named inputs and outputs, of which a file is made."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def compute(self, tensors: Tensors) -> Tensors:
        """Return the outputs of the inputs, both by their names."""
        raise NotImplementedError

    def forward(self, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return the outputs of the inputs, both in their order."""
        names = [spec.name for spec in self.inputs]
        given = self.compute(dict(zip(names, tensors, strict=True)))
        return tuple(given[spec.name] for spec in self.outputs)


def next_of(states: tuple[TensorSpec, ...]) -> tuple[TensorSpec, ...]:
    """Return the outputs that hold what `states` are at the next decision."""
    return tuple(
        state.model_copy(
            update={"name": next_name(state.name), "meaning": f"the next {state.name}"}
        )
        for state in states
    )


def next_name(state: str) -> str:
    """Return the name of the output that becomes the input `state`."""
    return NEXT + state.removeprefix(STATE)


STARTS = TensorSpec(
    name=EPISODE_START,
    dtype="bool",
    shape=(),
    meaning="whether the frame is the first of an episode; all states are then begun anew",
)
