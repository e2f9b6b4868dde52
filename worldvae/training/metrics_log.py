"""`metrics.jsonl`: what a training measured, two lines for each evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from pydantic import ConfigDict, Field

from worldvae.json_files import Content, JsonLog
from worldvae.training.result import Metric


class MetricsLine(Content):
    """Means of one split; every other key is a metric of the model that is trained."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, Metric]

    step: int = Field(description="Optimiser steps until then.")
    split: Literal["train", "validation"] = Field(
        description="train: means since the last evaluation; validation: of held-out examples."
    )
    seconds: float = Field(description="Of training until then, those before a resume included.")

    @property
    def metrics(self) -> Mapping[str, float]:
        """Name of a metric -> its mean."""
        return self.__pydantic_extra__


METRICS = JsonLog("metrics.jsonl", MetricsLine, "restore the file or remove that line")
