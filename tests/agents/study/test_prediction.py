"""What the health check of made-up encoders predicts of made-up returns."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from agents.config.sections import StudyConfig
from agents.study.prediction import FIGURE, ScoredEncoder, draw, predictions, rows, section
from tests.diagnostics.page.test_write import health
from tests.diagnostics.synthetic import code, errors
from worldvae.diagnostics.metrics.reconstruction import Overfitting, Reconstruction

SETTINGS = StudyConfig(agent_seeds=(0, 1), primary=("moving_lost",))


def encoders(count: int = 8) -> list[ScoredEncoder]:
    """The more of what moves is lost, the less their agents return; latents rise with the loss."""
    losses = np.linspace(0.1, 0.45, count)
    return [
        ScoredEncoder(
            encoder=f"e{place}",
            seed=0,
            health=health(
                reconstruction=Reconstruction(train=errors(moving=loss), held_out=errors(0.06)),
                code=code(place + 1, 20),
                overfitting=Overfitting(ratio=1 + (place * 3 % 7) / 10, low=0.5, high=2.0),
            ),
            returns={0: 10.0 - place, 1: 10.5 - place},
        )
        for place, loss in enumerate(losses)
    ]


def test_the_declared_number_comes_first_and_the_strongest_next() -> None:
    found = predictions(encoders(), SETTINGS)
    assert found[0].name == "moving_lost"
    assert found[0].is_primary
    assert found[0].found.value == pytest.approx(-1)
    assert found[0].found.n == 8
    assert found[0].is_shown
    assert {one.name for one in found[1:3]} == {"active", "active_share"}
    assert not any(one.is_primary for one in found[1:])
    flat = next(one for one in found if one.name == "rate")
    assert (flat.found.value, flat.is_shown, flat.is_constant) == (0, False, True)
    assert "probes" not in {one.name for one in found}, "no encoder has any"


def test_the_report_says_what_is_exploratory_and_what_is_against_the_advice() -> None:
    made = encoders()
    found = predictions(made, SETTINGS)
    text = section(made, found, SETTINGS)
    assert "| e0 | 0 | healthy | 10.25 | 10, 10.5 |" in text
    assert re.search(r"\| lower \| -1\.00 \[-1\.00, -0\.9\d\] \| 8 \| declared \|", text)
    assert "| KL to the prior, held out, nats a frame |  | the same for all | 8 | explor" in text
    varying = [one for one in found[1:] if not one.is_constant]
    shown = sum(one.is_shown for one in varying)
    assert {one.name for one in varying} == {"active", "active_share", "overfitting"}
    assert f"{len(varying)} numbers that vary were not declared before the study" in text
    assert f"one interval in twenty leaves out 0 by chance, and {shown} do" in text
    assert "Against the advice of the check (interval): active latents" in text
    assert "rank the encoders with Spearman 1.00" in text


def test_what_was_declared_when_returns_were_known_is_said() -> None:
    made = encoders()
    text = section(made, predictions(made, SETTINGS), SETTINGS, late=["active"])
    assert "when returns could be ranked, and so exploratory: active latents" in text


def test_a_number_that_few_encoders_have_ranks_those_alone() -> None:
    made = encoders(6)
    made[0] = ScoredEncoder("e0", 0, made[0].health, {})
    without = Reconstruction(train=errors(moving=None), held_out=errors())
    made[1] = ScoredEncoder("e1", 0, health(reconstruction=without), {0: 1.0})
    found = {one.name: one.found.n for one in predictions(made, SETTINGS)}
    assert found["moving_lost"] == 4
    assert found["lost"] == 5
    assert "| e0 | 0 | healthy | none |  |" in section(made, [], SETTINGS)


def test_seeds_of_an_encoder_are_one_encoder() -> None:
    """Three seeds of four encoders are four things to rank, and three of three are too few."""
    made = [replace(one, seed=seed) for one in encoders(4) for seed in range(3)]
    assert {one.found.n for one in predictions(made, SETTINGS)} == {4}
    assert predictions(made[:9], SETTINGS) == []
    assert "Agents of 3 encoders finished: too few to rank" in section(made[:9], [], SETTINGS)


def test_too_few_encoders_are_said_to_be_too_few() -> None:
    made = encoders(3)
    assert predictions(made, SETTINGS) == []
    text = section(made, [], SETTINGS)
    assert text.endswith("Agents of 3 encoders finished: too few to rank, which takes 4.\n")


def test_every_number_and_return_is_a_row() -> None:
    found = {(name, metric): value for name, _, metric, value in rows(encoders(2))}
    assert found["e1", "return.agent_0"] == 9.0
    assert found["e1", "return.agent_1"] == 9.5
    assert found["e0", "health.moving_lost"] == pytest.approx(0.1)
    assert found["e1", "health.active"] == 2


def test_the_figure_is_written(tmp_path: Path) -> None:
    made = encoders()
    path = draw(tmp_path, made, predictions(made, SETTINGS))
    assert path == tmp_path / FIGURE
    assert path.read_bytes().startswith(b"\x89PNG")
