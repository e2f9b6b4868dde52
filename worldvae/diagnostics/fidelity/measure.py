"""All measurements of the fidelity check, from the windows of each split."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from worldvae.diagnostics.clock import PartClock
from worldvae.diagnostics.fidelity.comparisons import (
    advised_horizon,
    compare_codes,
    compare_policies,
    compare_policy_events,
    compare_samples,
    score_temperatures,
    validation_runs,
)
from worldvae.diagnostics.fidelity.metrics.bootstrap import EpisodeBootstrap, Interval
from worldvae.diagnostics.fidelity.metrics.climatology import DRAWS
from worldvae.diagnostics.fidelity.metrics.ends import measure_ends
from worldvae.diagnostics.fidelity.metrics.open_loop import (
    DREAM,
    LEAST_WINDOWS,
    judged_horizons,
)
from worldvae.diagnostics.fidelity.metrics.pixels import NOTHING_MOVES, measure_pixels
from worldvae.diagnostics.fidelity.metrics.reference import measure_reference
from worldvae.diagnostics.fidelity.metrics.reward import measure_reward
from worldvae.diagnostics.fidelity.metrics.spread import measure_spread
from worldvae.diagnostics.fidelity.metrics.states import (
    NOT_READ,
    measure_states,
)
from worldvae.diagnostics.fidelity.metrics.temperature import choose_temperature
from worldvae.diagnostics.fidelity.metrics.unseen import measure_elsewhere, measure_unseen
from worldvae.diagnostics.fidelity.rules.evidence import FidelityEvidence
from worldvae.diagnostics.fidelity.runs import DreamRuns
from worldvae.diagnostics.fidelity.subject import ExaminedDynamics
from worldvae.diagnostics.fidelity.windows import Windows
from worldvae.envs.state import why_no_state
from worldvae.errors import ArtifactError
from worldvae.indices import evenly
from worldvae.seeding import derive

KNOWN_CODES = 8_000
"""Training codes that dreams are compared with, at most."""

DECODED_WINDOWS = 48
"""Windows whose dreams are decoded."""


def measure_fidelity(subject: ExaminedDynamics, seed: int, clock: PartClock) -> FidelityEvidence:
    """Measure how far dreams are from what really followed.

    Raises ArtifactError if the held-out episodes are too few or too short to tell.
    """
    _, validation, test = subject.windows
    reached = _judged(validation, "validation")
    horizons = tuple(step for step in _judged(test, "test") if step in reached)
    chosen = _choose(subject, horizons, seed, clock)
    runs = DreamRuns(subject, test, horizons, seed, chosen["temperature"])
    bootstrap = EpisodeBootstrap.of(test.episodes, derive(seed, "bootstrap"))
    with clock.part("dreams"):
        runs.make()
    with clock.part("codes"):
        codes = _codes(runs, bootstrap)
    with clock.part("events"):
        events = _events(runs, bootstrap)
    with clock.part("pixels"):
        pixels = _pixels(runs)
    with clock.part("state"):
        state = _state(runs)
    return FidelityEvidence(
        env_id=subject.env_id,
        trained=subject.is_trained,
        objective=subject.objective,
        windows={name: len(part) for name, part in subject.windows._asdict().items()},
        burn_in=test.past,
        encoder_doubts=subject.doubts,
        ending_limit=subject.ending_limit,
        **chosen,
        **codes,
        **events,
        **pixels,
        **state,
    )


def _choose(
    subject: ExaminedDynamics, horizons: tuple[int, ...], seed: int, clock: PartClock
) -> dict[str, Any]:
    """Return the fields of the evidence that validation episodes decide: how to dream."""
    episodes = subject.windows.validation.episodes
    resampled = EpisodeBootstrap.of(episodes, derive(seed, "validation"))
    with clock.part("temperatures"):
        runs = validation_runs(subject, horizons, seed)
        temperatures = score_temperatures(runs, resampled)
        best = choose_temperature(temperatures)
    with clock.part("horizon"):
        horizon = advised_horizon(runs[best], resampled)
    return {"temperatures": temperatures, "temperature": best, "horizon": horizon}


def _codes(runs: DreamRuns, bootstrap: EpisodeBootstrap) -> dict[str, Any]:
    """Return the fields of the evidence that are about codes."""
    usual = runs.usual.codes[:, :, runs.places]
    draws, known = runs.training_codes(DRAWS), runs.training_codes(KNOWN_CODES)
    truth, rest = runs.truth, (runs.mask, runs.horizons, bootstrap)
    return {
        "codes": compare_codes(runs, bootstrap),
        "energy": compare_samples(runs, bootstrap),
        "policies": compare_policies(runs, derive(runs.seed, "policies")),
        "spread": measure_spread(usual, truth, draws, *rest),
        "unseen": measure_unseen(runs.samples[DREAM], truth, known, *rest),
        "elsewhere": _elsewhere(runs, known, bootstrap),
    }


def _elsewhere(
    runs: DreamRuns, known: NDArray[np.float32], bootstrap: EpisodeBootstrap
) -> Interval | None:
    """Return how often an agent sees what training does not show; None if none played."""
    usual = runs.subject.usual
    if usual is None:
        return None
    return measure_elsewhere(runs.windows.starts, usual.starts, known, bootstrap)


def _events(runs: DreamRuns, bootstrap: EpisodeBootstrap) -> dict[str, Any]:
    """Return the fields of the evidence that are about rewards and ends."""
    test, horizons = runs.windows, runs.horizons
    train = runs.subject.windows.train
    return {
        "reward": measure_reward(test, runs.ahead, runs.dreams, horizons, bootstrap),
        "policy_events": compare_policy_events(runs, derive(runs.seed, "policy_events")),
        "ends": measure_ends(test, runs.ahead, runs.dreams, bootstrap),
        "reference": measure_reference(train, test, derive(runs.seed, "reference")),
    }


def _judged(windows: Windows, split: str) -> tuple[int, ...]:
    horizons = judged_horizons(windows.targets)
    if not horizons:
        raise ArtifactError(
            f"the {split} split has fewer than {LEAST_WINDOWS} decisions that do not end an "
            "episode; collect more episodes (rollouts.frames)"
        )
    return horizons


def _pixels(runs: DreamRuns) -> dict[str, Any]:
    """Return the fields of the evidence about decoded dreams: their errors, or why none."""
    pixels = runs.subject.pixels
    if pixels is None:
        return {"pixels": None, "no_pixels": runs.subject.no_pixels}
    rows = evenly(len(runs.windows), DECODED_WINDOWS)
    latents = runs.subject.latents
    found = measure_pixels(
        runs.windows.chosen(rows),
        pixels.on(rows),
        {name: codes[rows][..., :latents] for name, codes in runs.everything.items()},
        runs.horizons,
        derive(runs.seed, "pixels"),
    )
    return {"pixels": found, "no_pixels": None if found else NOTHING_MOVES}


def _state(runs: DreamRuns) -> dict[str, Any]:
    """Return the fields of the evidence about the probed state: its errors, or why none."""
    splits = runs.subject.windows
    if not all(np.isfinite(part.state[part.frames_seen]).any() for part in splits):
        return {"state": None, "no_state": why_no_state(runs.subject.env_id)}
    seed = derive(runs.seed, "state")
    found = measure_states(splits, runs.subject.variables, runs.samples, runs.horizons, seed)
    return {"state": found, "no_state": None if found else NOT_READ}
