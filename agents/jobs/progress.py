"""The progress of a running job, read from its log files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from agents.run.agent_result import EPISODES
from worldvae.training.metrics_log import METRICS

AVERAGED = 10
"""The note on an agent averages the returns of this many finished episodes."""


@dataclass(frozen=True)
class Progress:
    """Steps done out of `total`, and a short note such as the current loss."""

    done: int
    total: int
    note: str = ""


def agent_progress(folder: Path, env_steps: int) -> Progress:
    """Return the env steps of an agent in training, and the mean return of its last episodes."""
    lines = EPISODES.last(folder, AVERAGED)
    done = lines[-1].trained_steps if lines else 0
    note = f"return {np.mean([line.total for line in lines]):.4g}" if lines else ""
    return Progress(min(done, env_steps), env_steps, note)


def encoder_progress(folder: Path, steps: int) -> Progress:
    """Return the gradient steps of an encoder in training, and its last loss on held-out frames."""
    last = METRICS.last(folder)
    note = f"loss {last[-1].metrics['loss']:.5g}" if last else ""
    return Progress(min(last[-1].step if last else 0, steps), steps, note)
