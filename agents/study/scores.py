"""What a study measured of one encoder."""

from __future__ import annotations

from pydantic import Field

from worldvae.diagnostics.metrics.encoder_scores import EncoderScores
from worldvae.json_files import JsonFile


class CellScores(EncoderScores):
    """`scores.json`, with which one encoder of one environment and seed is done."""

    env: str
    encoder: str
    seed: int
    training_seconds: float | None = Field(
        description="Wall-clock, those before a resume included; null: it was not trained."
    )


SCORES = JsonFile("scores.json", CellScores, "delete it to measure the encoder again")
