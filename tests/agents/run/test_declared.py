"""A comparison is declared before its outcome is known, or it is exploratory."""

from __future__ import annotations

from pathlib import Path

import pytest

from agents.config.sections import CompareConfig
from agents.report.summary import summarise
from agents.report.verdict import verdict
from agents.run.declared import (
    DECLARED,
    STUDY_DECLARED,
    Declaration,
    Declared,
    declare,
    note,
    read_declared,
)
from agents.run.load import read_run
from tests.agents.report.synthetic import state, write_run
from worldvae.stats import Resampling

Pairs = tuple[tuple[str, str], ...]

LATENT: Pairs = (("latent", "pixels"),)
BLIND: Pairs = (("blind", "pixels"),)


def of(pairs: Pairs, success_return: float | None = None) -> CompareConfig:
    return CompareConfig(primary=pairs, success_return=success_return)


def finish(folder: Path, *arms: str) -> None:
    """Five agents of each arm."""
    write_run(folder, {arm: {seed: [seed, 1.0] for seed in range(5)} for arm in arms})


def stated(folder: Path) -> str:
    return "\n".join(verdict(summarise(read_run(folder), Resampling.seeded(0))))


def test_before_agents_of_both_have_finished_it_is_declared(tmp_path: Path) -> None:
    finish(tmp_path, "pixels")
    declare(tmp_path, of(LATENT))
    finish(tmp_path, "latent", "blind")
    state(tmp_path, "{primary: [[pixels, latent]]}")
    assert read_declared(tmp_path) == Declared(early=LATENT)
    assert "Declared before the run: this run does not tell" in stated(tmp_path)


def test_afterwards_it_is_exploratory_whatever_the_configuration_says(tmp_path: Path) -> None:
    finish(tmp_path, "pixels", "latent")
    state(tmp_path, "{primary: [[pixels, latent]]}")
    declare(tmp_path, of(LATENT))
    assert read_declared(tmp_path) == Declared(late=LATENT)
    words = stated(tmp_path)
    assert "Exploratory: this run does not tell" in words
    assert "Declared before" not in words
    assert "agents of both had finished, and so exploratory: latent and pixels." in words


def test_what_was_declared_cannot_be_dropped_once_its_outcome_is_known(tmp_path: Path) -> None:
    declare(tmp_path, of(LATENT + BLIND))
    finish(tmp_path, "pixels", "latent")
    declare(tmp_path, of(()))
    assert read_declared(tmp_path) == Declared(early=LATENT), "blind agents had not finished"
    declare(tmp_path, of((("pixels", "latent"), *BLIND)))
    assert read_declared(tmp_path) == Declared(early=LATENT + BLIND)


def test_a_line_is_a_change(tmp_path: Path) -> None:
    declare(tmp_path, of(()))
    assert read_declared(tmp_path) is None
    for _ in range(2):
        declare(tmp_path, of(LATENT))
    declare(tmp_path, of(BLIND))
    assert [line.primary for line in DECLARED.read(tmp_path)] == [LATENT, BLIND]


@pytest.mark.parametrize("is_late", [True, False])
def test_a_threshold_of_success_is_a_declaration_too(tmp_path: Path, is_late: bool) -> None:
    declare(tmp_path, of(LATENT, None if is_late else 0.5))
    finish(tmp_path, "pixels", "latent")
    declare(tmp_path, of(LATENT, 0.5))
    state(tmp_path, "{primary: [[pixels, latent]], success_return: 0.5}")
    words = stated(tmp_path)
    assert ("compare.success_return was set when agents of several arms" in words) == is_late
    assert ("Exploratory: this run does not tell" in words) == is_late


def test_numbers_of_a_study_are_declared_before_they_can_be_ranked(tmp_path: Path) -> None:
    for primary, finished in ((("lost",), ()), (("lost", "active"), ("lost", "active"))):
        line = Declaration(primary=tuple((name,) for name in primary), finished=finished)
        note(STUDY_DECLARED, tmp_path, line)
    assert read_declared(tmp_path) is None, "a comparison may lie in the same folder"
    found = read_declared(tmp_path, STUDY_DECLARED)
    assert found == Declared(early=(("lost",),), late=(("active",),))


def test_a_damaged_file_declares_nothing_and_is_named(tmp_path: Path) -> None:
    declare(tmp_path, of(LATENT))
    finish(tmp_path, "pixels", "latent")
    state(tmp_path, "{primary: [[pixels, latent]]}")
    path = tmp_path / DECLARED.name
    path.write_text(path.read_text().replace("latent", "memory") + path.read_text())
    run = read_run(tmp_path)
    assert run.compare.primary == ()
    (damage,) = run.damaged
    assert damage.startswith(f"{path}: ")
