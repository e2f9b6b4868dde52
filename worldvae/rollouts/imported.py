"""What a store keeps of the dataset that it was imported from, whose environment may be nowhere."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium import spaces
from pydantic import Field

from worldvae.envs.actions import check_space
from worldvae.json_files import Content, JsonFile


class RecordedActions(Content):
    """The environment's own action space, in which episodes record actions, as a file holds it."""

    choices: int | None = Field(None, ge=1, description="Discrete: the number of actions.")
    start: int = Field(0, description="Discrete: the least action.")
    dtype: str = Field("int64", description="Box: the type of the numbers.")
    shape: tuple[int, ...] = Field((), description="Box: the shape of an action.")
    low: tuple[float, ...] = Field((), description="Box: the least values, flattened.")
    high: tuple[float, ...] = Field((), description="Box: the greatest values, flattened.")

    @classmethod
    def of(cls, space: spaces.Space[Any]) -> RecordedActions:
        """Return the description of `space`; ConfigError unless it is Discrete or a bounded Box."""
        checked = check_space(space)
        if isinstance(checked, spaces.Discrete):
            return cls(choices=int(checked.n), start=int(checked.start))
        bounds = checked.low, checked.high
        low, high = (bound.reshape(-1).astype(np.float64).tolist() for bound in bounds)
        return cls(dtype=str(checked.dtype), shape=checked.shape, low=tuple(low), high=tuple(high))

    @property
    def space(self) -> spaces.Box | spaces.Discrete:
        """The space that was described."""
        if self.choices is not None:
            return spaces.Discrete(self.choices, start=self.start)
        dtype: Any = np.dtype(self.dtype).type
        low, high = (
            np.array(bound).astype(dtype).reshape(self.shape) for bound in (self.low, self.high)
        )
        return spaces.Box(low, high, dtype=dtype)


class ImportedDataset(Content):
    """The content of dataset.json: where the episodes of a store come from."""

    id: str = Field(min_length=1, description="Minari's id of the dataset.")
    episodes: int = Field(ge=0, description="The episodes of the dataset.")
    steps: int = Field(ge=0, description="The decisions of all its episodes.")
    whole: bool = Field(description="Whether all of its episodes are in the store.")
    actions: RecordedActions = Field(description="The environment's own action space.")
    source_shape: tuple[int, ...] = Field(description="Shape of the environment's own frame.")

    def is_of(self, other: ImportedDataset) -> bool:
        """Return whether both describe the same dataset, whole or not."""
        return self == other.model_copy(update={"whole": self.whole})


DATASET = JsonFile(
    "dataset.json",
    ImportedDataset,
    "remove {folder}, and import it again: python -m scripts.collect CONFIG --from minari:ID",
)
