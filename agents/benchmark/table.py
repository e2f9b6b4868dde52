"""The table of the benchmark: all rows in their order."""

from __future__ import annotations

from dataclasses import replace

from agents.benchmark.collection import collection_rows
from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.dreams import dream_rows, our_side
from agents.benchmark.dynamics import dynamics_rows
from agents.benchmark.encoding import encoding_rows
from agents.benchmark.exporting import export_rows
from agents.benchmark.learning import learning_rows
from agents.benchmark.memory import peak_memory
from agents.benchmark.peers import peer_rows
from agents.benchmark.pretraining import image_speed, image_work
from agents.benchmark.processes import process_rows
from agents.benchmark.race import race
from agents.benchmark.rows import Row, Unit
from agents.benchmark.together import together_rows
from agents.benchmark.whole_job import whole_job
from worldvae.errors import ConfigError


def all_rows(config: BenchmarkConfig) -> tuple[Row, ...]:
    """Return the rows that `config` selects, with the targets that it sets.

    Raises ConfigError if it sets one for a row that there is not.
    """
    rows, targets = _rows(config), config.targets
    if unknown := targets.keys() - {row.name for row in rows}:
        names = ", ".join(row.name for row in rows)
        raise ConfigError(f"targets.{min(unknown)}: no such row; {names}")
    return tuple(replace(row, target=targets.get(row.name, row.target)) for row in rows)


def _rows(config: BenchmarkConfig) -> tuple[Row, ...]:
    return (
        *collection_rows(),
        *process_rows(),
        *pretraining_rows(),
        *encoding_rows(config),
        *dynamics_rows(),
        *dream_rows(config),
        *peer_rows(our_side(config)),
        *learning_rows(config),
        *together_rows(config),
        *export_rows(),
        Row(
            "whole-job",
            "Whole job",
            f"CarRacing to a return of {config.whole_job.score:g} on latents",
            "the same from pixels",
            Unit("min", is_time=True, scale=1 / 60),
            None,
            whole_job,
        ),
    )


def pretraining_rows() -> tuple[Row, ...]:
    """Return the rows of pretraining: speed, time to an error, and memory."""
    return (
        Row(
            "pretraining-images",
            "Pretraining",
            "fit from disk",
            "usual script: fp32, DataLoader, ToTensor",
            Unit("images/s"),
            2.5,
            image_speed,
            image_work,
        ),
        Row(
            "pretraining-error",
            "Pretraining",
            "fit to a held-out error",
            "usual script to the same error",
            Unit("s", is_time=True),
            3.0,
            race,
        ),
        Row(
            "pretraining-memory",
            "Pretraining",
            "memory kept, store of 1 M frames",
            "those frames as one array in memory",
            Unit("GB", is_time=True, scale=1e-9),
            12.288 / 1.5,
            peak_memory,
        ),
    )
