"""How far a job is, read from what it logs as it runs."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from worldvae.files import last_jsonl, last_rows

EPISODES = 10
"""Finished episodes whose returns are averaged."""


@dataclass(frozen=True)
class Progress:
    """Steps done of those there are, and a few words on how it goes."""

    done: int
    total: int
    note: str = ""


def agent_progress(folder: Path, env_steps: int) -> Progress:
    """Of an agent in training: environment steps, and the mean return of the last episodes."""
    rows = last_rows(folder / "episodes.jsonl", EPISODES)
    returns = [float(row["return"]) for row in rows if "return" in row]
    done = int(rows[-1].get("env_steps", 0)) if rows else 0
    note = f"return {np.mean(returns):.4g}" if returns else ""
    return Progress(min(done, env_steps), env_steps, note)


def encoder_progress(folder: Path, steps: int) -> Progress:
    """Of an encoder in training: gradient steps, and the last loss on held-out frames."""
    last = last_jsonl(folder / "metrics.jsonl")
    note = f"loss {last['loss']:.5g}" if "loss" in last else ""
    return Progress(min(int(last.get("step", 0)), steps), steps, note)
