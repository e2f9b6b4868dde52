"""The row of the whole job: minutes from nothing to a return, read from a finished comparison."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from agents.arms.registry import LATENT, PIXELS
from agents.benchmark.bench import Bench
from agents.benchmark.measure import Comparison, Lap
from agents.run.published import read_published
from agents.run.records import Run
from worldvae.errors import ArtifactError, ConfigError


def whole_job(bench: Bench) -> Comparison:
    """Compare latents with pixels, seed by seed; latents are charged collection and pretraining.

    An agent that never reached the return counts with all its training time as a lower bound.
    """
    settings = bench.config.whole_job
    folder = next((path for path in settings.runs if path.is_dir()), None)
    if folder is None:
        raise ArtifactError(
            f"no finished comparison at {', '.join(map(str, settings.runs))}; "
            "run python -m scripts.compare configs/car_racing.yaml first"
        )
    run = read_published(folder)
    laps = {arm: _laps(run, arm, settings.score) for arm in (LATENT.name, PIXELS.name)}
    seeds = sorted(laps[LATENT.name].keys() & laps[PIXELS.name].keys())
    if not seeds:
        raise ArtifactError(f"{folder}: no seed whose latent and pixel agents both finished")
    ours, theirs = (tuple(found[seed] for seed in seeds) for found in laps.values())
    compared = Comparison(ours, theirs, _note(folder, ours, theirs))
    if compared.bound == "?":
        raise ConfigError(f"{folder}: agents of both arms stayed under whole_job.score")
    return compared


def _laps(run: Run, arm: str, score: float) -> dict[int, Lap]:
    """Return seed -> the seconds to the first evaluation of at least `score`, charges included."""
    charged = run.known_charge(arm).seconds
    laps = {}
    for agent in (agent for agent in run.of(arm) if agent.result is not None):
        reached = [line for line in agent.measured if line.score >= score]
        last = reached[0] if reached else agent.measured[-1]
        laps[agent.seed] = Lap(1, charged + last.seconds, bool(reached))
    return laps


def _note(folder: Path, ours: Sequence[Lap], theirs: Sequence[Lap]) -> str:
    reached = (sum(lap.finished for lap in laps) for laps in (ours, theirs))
    counts = ", ".join(
        f"{count} of {len(ours)} {arm} agents got there"
        for arm, count in zip((LATENT.name, PIXELS.name), reached, strict=True)
    )
    few = "; one seed an arm shows no difference" if len(ours) == 1 else ""
    return f"{folder}, n = {len(ours)} seeds: {counts}{few}"
