"""The page of a fidelity check: whole, with a picture or without, and legible in both schemes."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.diagnostics.fidelity.test_rules import evidence
from tests.diagnostics.fidelity.worlds import SIDE, TRUE, LinearDynamics, fidelity, subject
from tests.diagnostics.page.test_write import Page
from worldvae.diagnostics.fidelity.metrics.bootstrap import HorizonCurve, Interval
from worldvae.diagnostics.fidelity.page.film import FILM, draw_film, film_rows
from worldvae.diagnostics.fidelity.page.write import MEANINGS, render
from worldvae.diagnostics.fidelity.rules.events import reward_off
from worldvae.plots.png import is_whole_png

SECTIONS = [
    "verdict",
    "findings",
    "film",
    "codes",
    "shown",
    "policies",
    "ends",
    "reward",
    "spread",
    "temperature",
    "measured",
]


@cache
def sound() -> str:
    """The page of the true dynamics, in a folder without a picture."""
    return render(fidelity(TRUE), Path("nowhere"))


def text_of(folder: Path, model: LinearDynamics = TRUE, **given: Any) -> str:
    return Page(render(fidelity(model).model_copy(update=given), folder)).text


def test_sections_come_in_their_order() -> None:
    assert Page(sound()).sections == SECTIONS


def test_what_was_not_measured_is_said(tmp_path: Path) -> None:
    text = text_of(
        tmp_path,
        pixels=None,
        no_pixels="the encoder does not decode",
        state=None,
        no_state="there is no reader",
        policies={},
    )
    assert "Moving pixels: not measured; the encoder does not decode." in text
    assert "True state: not measured; there is no reader." in text
    assert "By who played" not in text


def test_the_verdict_says_how_far_dreams_are_trusted(tmp_path: Path) -> None:
    text = Page(sound()).text
    assert "Trusted. Dreams are trusted for all 64 decisions that were judged, at temp" in text
    assert MEANINGS["trusted"] in text
    assert "No rule found anything amiss" in text
    deaf = LinearDynamics(push=0.0)
    wrong = text_of(tmp_path, deaf)
    assert "Unfit. Dreams are trusted for no decision" in wrong
    assert fidelity(deaf).findings[0].advice in wrong


def test_ends_are_told_of_episodes() -> None:
    """Windows overlap, so that the decisions in all of them are more than were recorded."""
    found = fidelity(TRUE)
    ended = f"{found.ends.ends} of {found.codes.episodes} ended. One step ahead the dynamics"
    assert 0 < found.ends.ends <= found.codes.episodes
    assert ended in Page(sound()).text


def test_rewards_of_a_hundred_thousandth_are_read(tmp_path: Path) -> None:
    """The page, and the finding, wrote all of them as 0.000."""
    known = fidelity(TRUE).reward
    level = HorizonCurve(
        value=(2.5e-5,) * len(known.horizons), low=known.excess.low, high=known.excess.high
    )
    small = known.model_copy(
        update={
            "mean": 1.5e-5,
            "deviation": 2e-6,
            "bias": Interval(value=4e-6, low=3e-6, high=5e-6),
            "true_sum": level,
            "sum_deviation": (1e-6,) * len(known.horizons),
        }
    )
    text = text_of(tmp_path, reward=small)
    assert "is paid 0.0000150 on average, with a deviation of 0.0000020; the dynamics" in text
    assert "promise 0.00000400 (0.00000300 to 0.00000500) more" in text
    assert "0.0000250" in text, "of a dream"
    found = reward_off(evidence(reward=small))
    assert found is not None
    assert "where the mean is 0.0000150 and the deviation 0.0000020" in found.found


def test_nothing_is_fetched_and_nothing_runs() -> None:
    page = sound()
    assert "<script" not in page
    assert "http-equiv" in page
    assert page.count("<svg") == 10
    assert page.count("<svg") == page.count("aria-label=")


def test_the_same_check_gives_the_same_page() -> None:
    assert render(fidelity(TRUE), Path("nowhere")) == sound()


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    known = fidelity(TRUE).policies
    page = render(
        fidelity(TRUE).model_copy(
            update={"env_id": "<b>&", "policies": {"<i>": known["random"]}, "rollouts": ("'</p>",)}
        ),
        tmp_path,
    )
    assert "<b>&" not in page
    assert "<i>" not in page
    assert "</p>'" not in page


def test_the_picture_shows_the_same_times_of_reality_and_of_dreams(tmp_path: Path) -> None:
    """Without noise the true dynamics dream what follows from the actions."""
    known = subject(LinearDynamics(spread=0))
    assert known.pixels is not None
    row = int(known.windows.test.targets.sum(1).argmax())
    rows = film_rows(known, known.pixels, row, 1.0, 0)
    assert set(rows) == {"real", "decoded", "dream", "another dream"}
    assert all(frames.shape == (8, SIDE, SIDE, 1) for frames in rows.values())
    assert (rows["real"] == rows["decoded"]).all()
    assert (rows["dream"] == rows["another dream"]).all()
    assert (rows["dream"][0] == rows["real"][0]).all()
    draw_film(known, 1.0, 0, tmp_path)
    assert is_whole_png(tmp_path / FILM)
    assert "data:image/png;base64," in render(fidelity(TRUE), tmp_path)


def test_a_damaged_picture_is_left_out(tmp_path: Path) -> None:
    whole = cv2.imencode(".png", np.zeros((2, 2, 3), np.uint8))[1].tobytes()
    (tmp_path / FILM).write_bytes(whole[:-3])
    assert "is damaged; check the dynamics again" in text_of(tmp_path)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_browser_shows_it_without_a_word_of_complaint(tmp_path: Path, scheme: str) -> None:
    browser = pytest.importorskip("tests.browser")
    if not (browser.CHROMIUM and browser.DRIVER):
        pytest.skip(browser.MISSING)
    path = tmp_path / "fidelity.html"
    path.write_text(sound())
    with browser.browsing() as window:
        window.open(path, width=390, scheme=scheme)
        assert window.console() == []
        assert window.requests() == [path.resolve().as_uri()]
        assert window.run("return document.documentElement.scrollWidth") <= 390
