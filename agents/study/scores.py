"""The schema of the scores that a study measures for one encoder."""

from __future__ import annotations

from pydantic import Field

from worldvae.diagnostics.config import Measure
from worldvae.diagnostics.metrics.encoder_scores import EncoderScores
from worldvae.json_files import JsonFile


class CellScores(EncoderScores):
    """The content of `scores.json`; a cell is done when it holds all that the study measures."""

    env: str
    encoder: str
    seed: int
    measures: tuple[Measure, ...] = Field((), description="What was to be measured, if it can be.")
    training_seconds: float | None = Field(
        description="Wall-clock time of training, with all resumes; null: it was not trained."
    )


SCORES = JsonFile("scores.json", CellScores, "delete it to measure the encoder again")
