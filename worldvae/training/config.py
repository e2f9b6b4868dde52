"""How long, how fast and how precisely a model is trained."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import Field

from worldvae.config import Config


class FitConfig(Config):
    """How long, how fast and how precisely a model is trained."""

    steps: int = Field(20_000, ge=1, description="Optimiser steps at most.")
    batch_size: int = Field(128, ge=1, le=65_536, description="Examples (frames) per step.")
    learning_rate: float = Field(1e-3, gt=0, description="Adam's step size.")
    schedule: Literal["constant", "cosine"] = Field(
        "cosine", description="cosine: the learning rate falls to 0 over `steps`."
    )
    gradient_clip: float = Field(100.0, ge=0, description="Largest gradient norm; 0 is no limit.")
    evaluate_every: int = Field(500, ge=1, description="Steps between evaluations (checkpoints).")
    validation_frames: int = Field(2_000, ge=1, description="Held-out examples per evaluation.")
    patience: int = Field(10, ge=0, description="Evaluations without progress to stop at; 0: off.")
    max_minutes: float | None = Field(None, gt=0, description="Wall-clock limit, all resumes in.")
    precision: Literal["auto", "float32", "bfloat16"] = Field(
        "auto", description="auto: bfloat16 autocast where the processor computes it natively."
    )

    def learning_rate_at(self, step: int) -> float:
        """Return the learning rate at `step`, constant or falling as a cosine to 0.

        learning_rate (1 + cos(pi step / steps)) / 2 (Loshchilov & Hutter, 2017).
        """
        if self.schedule == "constant":
            return self.learning_rate
        return 0.5 * self.learning_rate * (1 + math.cos(math.pi * step / self.steps))
