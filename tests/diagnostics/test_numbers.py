"""The single numbers of a health check are those that its schema holds."""

from __future__ import annotations

from typing import get_args

import pytest

from tests.diagnostics.page.test_write import disentanglement, health
from tests.diagnostics.synthetic import code, errors, probes
from worldvae.diagnostics.config import HealthNumber
from worldvae.diagnostics.metrics.neighbours import Closeness, Neighbours
from worldvae.diagnostics.metrics.reconstruction import (
    DuplicatePair,
    Overfitting,
    Places,
    Reconstruction,
)
from worldvae.diagnostics.metrics.things import Things
from worldvae.diagnostics.numbers import NUMBERS


def test_the_configuration_names_them_all_in_this_order() -> None:
    assert [*NUMBERS] == [*get_args(HealthNumber)]
    assert {number.better for number in NUMBERS.values()} == {-1, 0, 1}


def test_each_is_read_from_its_place() -> None:
    places = Places(lost=((0.6, 0.2), (None, 0.9)))
    near = [Closeness(latents=value, pixels=1.0) for value in (0.7, 0.6, 0.5)]
    found = health(
        reconstruction=Reconstruction(
            train=errors(0.1, 0.8, places=places, still_things=Things(per_frame=2, lost=0.4)),
            held_out=errors(0.2, 0.85, distortion=77.0),
        ),
        code=code(
            4, 8, rate=12.5, duplicates=(DuplicatePair(first=0, second=1, correlation=0.99),)
        ),
        overfitting=Overfitting(ratio=1.25, low=1.0, high=1.5),
        neighbours=Neighbours(
            queries=1, candidates=1, **dict(zip(("pixels", "moving", "state"), near, strict=True))
        ),
        probes=probes(dot=0.75),
        disentanglement=disentanglement(["dot.x", "dot.y"]),
    )
    grave = [finding for finding in found.findings if finding.severity != "note"]
    assert {name: number.of(found) for name, number in NUMBERS.items()} == {
        "verdict": 1,
        "findings": len(grave),
        "lost": 0.1,
        "lost_held_out": 0.2,
        "moving_lost": 0.8,
        "moving_lost_held_out": 0.85,
        "places_lost": pytest.approx(2 / 3),
        "still_things_lost": 0.4,
        "distortion": 77.0,
        "overfitting": 1.25,
        "rate": 12.5,
        "active": 4,
        "active_share": 0.5,
        "duplicates": 1,
        "near_pixels": 0.7,
        "near_moving": 0.6,
        "near_state": 0.5,
        "probes": 0.75,
        "probes_above_untrained": pytest.approx(0.45),
        "mig": found.disentanglement and found.disentanglement.mig,
        "dci_informativeness": found.disentanglement and found.disentanglement.dci_informativeness,
    }
    assert found.verdict == "doubtful"
    assert len(grave) >= 1


def test_what_was_not_measured_is_no_number() -> None:
    errors_alone = errors(moving=None)
    found = health(
        reconstruction=Reconstruction(train=errors_alone, held_out=errors_alone),
        neighbours=Neighbours(queries=1, candidates=1, pixels=None, moving=None, state=None),
    )
    missing = {name for name, number in NUMBERS.items() if number.of(found) is None}
    assert missing == {
        *("moving_lost", "moving_lost_held_out", "places_lost", "still_things_lost"),
        *("near_pixels", "near_moving", "near_state"),
        *("probes", "probes_above_untrained", "mig", "dci_informativeness"),
    }
