"""Why a study's tables lack what the study was to measure."""

from __future__ import annotations

from typing import Any

import pytest

from agents.study.scores import CellScores
from agents.study.unmeasured import unmeasured
from worldvae.diagnostics.config import Measure
from worldvae.diagnostics.metrics.probes import ProbeResult
from worldvae.envs.state import why_no_state

ENV = "tests/Unread-v0"


def probed(mean: float | None, **dropped: str) -> ProbeResult:
    return ProbeResult(variables=(), groups={}, mean=mean, dropped=dropped, rows={}, duplicates=0)


def scores(**found: Any) -> CellScores:
    """Scores of which only what is looked at is there."""
    nothing = dict.fromkeys(("probes", "published_probes", "disentanglement"))
    return CellScores.model_construct(env=ENV, encoder="e", seed=0, **{**nothing, **found})


@pytest.mark.parametrize(
    ("found", "measure", "reason"),
    [
        ({"probes": probed(None)}, "probes", why_no_state(ENV)),
        ({"published_probes": probed(None)}, "published_probes", why_no_state(ENV)),
        (
            {"probes": probed(None, door="constant in the train part")},
            "probes",
            "no variable of its true state can be probed (door: constant in the train part)",
        ),
        ({}, "disentanglement", "fewer than two variables of a true state vary in its rollouts"),
    ],
)
def test_a_measure_without_a_value_says_why(
    found: dict[str, Any], measure: Measure, reason: str
) -> None:
    told = [f"Not measured in {ENV}: {measure}; {reason}."]
    assert unmeasured([scores(**found)], [measure]) == told


def test_a_reason_is_told_once_for_an_environment() -> None:
    rows = [scores(probes=probed(None), published_probes=probed(None))] * 3
    (told,) = unmeasured(rows, ["probes", "published_probes"])
    assert told.startswith(f"Not measured in {ENV}: probes, published_probes; the rollouts hold")


def test_what_was_measured_or_not_asked_for_is_not_mentioned() -> None:
    assert unmeasured([scores(probes=probed(0.5))], ["probes"]) == []
    assert unmeasured([scores(probes=probed(None))], []) == []
