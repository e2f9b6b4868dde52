"""The progress of a running job, read from its log files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from worldvae.files import last_jsonl, last_rows

EPISODES = 10
"""The note on an agent averages the returns of this many finished episodes."""


@dataclass(frozen=True)
class Progress:
    """Steps done out of `total`, and a short note such as the current loss."""

    done: int
    total: int
    note: str = ""


def agent_progress(folder: Path, env_steps: int) -> Progress:
    """Return the env steps of an agent in training, and the mean return of its last episodes."""
    rows = last_rows(folder / "episodes.jsonl", EPISODES)
    returns = [float(row["return"]) for row in rows if "return" in row]
    done = int(rows[-1].get("env_steps", 0)) if rows else 0
    note = f"return {np.mean(returns):.4g}" if returns else ""
    return Progress(min(done, env_steps), env_steps, note)


def encoder_progress(folder: Path, steps: int) -> Progress:
    """Return the gradient steps of an encoder in training, and its last loss on held-out frames."""
    last = last_jsonl(folder / "metrics.jsonl")
    note = f"loss {last['loss']:.5g}" if "loss" in last else ""
    return Progress(min(int(last.get("step", 0)), steps), steps, note)
