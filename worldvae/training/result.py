"""How a training ended and what it took: the content of the file that marks a model as done."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from worldvae.json_files import Content

Metric = Annotated[float, Field(allow_inf_nan=True)]
"""A mean over examples, which may overflow where the loss, which is guarded, does not."""

StopReason = Literal["steps", "patience", "minutes"]


class TrainingResult(Content):
    """How a training ended and what it took; the model then holds the weights of `best_step`."""

    seconds: float = Field(description="Wall-clock, those before a resume included.")
    cpu_seconds: float | None = Field(
        description="Of all threads; null of a published one: not measured."
    )
    peak_memory: int | None = Field(
        description="Most bytes that the process held; null of a published one: not measured."
    )
    steps: int = Field(description="Optimiser steps.")
    stopped: StopReason = Field(description="Why it ended.")
    best_step: int = Field(description="Of the weights that were kept.")
    metrics: dict[str, Metric] = Field(description="Held-out means at `best_step`.")
    parameters: int = Field(description="Of the whole model.")
    precision: str | None = Field(
        None,
        description="float32, or bfloat16 where matrices were multiplied in it, which precision: "
        "auto takes on processors that compute it; null: not recorded.",
    )
