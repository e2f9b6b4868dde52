"""The report in a real browser: whole, quiet, legible, from the disk and without a network."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from agents.arms.registry import ARMS
from agents.config.experiment import Experiment
from agents.report.html import write_report
from agents.report.summary import summarise
from agents.run.load import read_run
from agents.video.play import FILM, FILM_RECORD, FilmRecord, Played
from tests.agents.report.synthetic import write_check, write_config, write_json, write_run
from tests.browser import Browser, browsing, needs_chromium
from tests.encoders import DOTS, make_encoder
from worldvae.config import to_yaml
from worldvae.diagnostics.page.figures import PICTURES
from worldvae.files import atomic_write_bytes, sha256_file
from worldvae.rollouts import RolloutConfig, RolloutStore, collect
from worldvae.stats import Resampling

pytestmark = needs_chromium

WIDTHS, SCHEMES = (1280, 390), ("light", "dark")
SMALLEST = 8.0
"""Pixels: below, letters are guessed and not read."""

CONTRAST = 4.5
"""To 1: WCAG 2.2, success criterion 1.4.3, for text of common size."""

HEADINGS = [
    "Verdict",
    "Not finished",
    "The arms",
    "Learning",
    "Final scores",
    "How the runs compare",
    "What each arm sees",
    "What the encoder keeps",
    "Latent health",
    "The agents side by side",
    "Look inside",
    "What it cost",
    "What differs between the arms",
    "To do it again",
    "How to read the numbers",
]

# Effective size of each text, in pixels; of an <svg> that is scaled to the page, on the page.
SIZES = """
const sizes = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode, box = text.parentElement;
  if (!text.data.trim() || !box.getClientRects().length || box.closest('style, script')) continue;
  const scale = box instanceof SVGElement ? box.getScreenCTM().a : 1;
  sizes.push([text.data.trim(), parseFloat(getComputedStyle(box).fontSize) * scale]);
}
return sizes;
"""

# Contrast of each text of the page with what lies behind it, as WCAG 2 defines it.
CONTRASTS = """
const channel = c => (c /= 255) <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
const parts = colour => colour.match(/[\\d.]+/g).map(Number);
const light = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
const behind = box => {
  for (; box; box = box.parentElement) {
    const [r, g, b, alpha = 1] = parts(getComputedStyle(box).backgroundColor);
    if (alpha === 1) return [r, g, b];
  }
  return [255, 255, 255];
};
const found = [], walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const text = walker.currentNode, box = text.parentElement;
  if (!text.data.trim() || box instanceof SVGElement || box.closest('style, script')) continue;
  const ink = light(parts(getComputedStyle(box).color)) + 0.05, paper = light(behind(box)) + 0.05;
  found.push([text.data.trim(), Math.max(ink, paper) / Math.min(ink, paper)]);
}
return found;
"""

# Figures, drawings, pictures and films without words for who cannot see them.
WORDLESS = """
const named = {figure: f => f.querySelector('figcaption')?.innerText,
               svg: s => s.getAttribute('aria-label'), img: i => i.alt,
               video: v => v.getAttribute('aria-label')};
return Object.entries(named).flatMap(([tag, words]) =>
  [...document.querySelectorAll(tag)].filter(e => !words(e)?.trim()).map(e => e.outerHTML));
"""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with browsing() as browser:
        yield browser


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A report with every section: all arms, an unfinished agent, frames, encoders and a film."""
    levels = {arm: 100.0 * place for place, arm in enumerate(ARMS)}
    returns = {arm: {k: [level + k, level] for k in range(5)} for arm, level in levels.items()}
    folder = write_run(
        tmp_path_factory.mktemp("runs") / "a_name_as_long_as_a_users" / "cars", returns
    )
    write_config(folder, to_yaml(Experiment(env=DOTS)))
    collect(RolloutStore.create(folder / "rollouts", DOTS), RolloutConfig(frames=800), seed=0)
    for name in ("encoder", "untrained_encoder"):
        make_encoder(DOTS).save(folder / name)
    finding = {"severity": "doubtful", "name": "x", "found": "Much is lost.", "advice": "Keep it."}
    write_check(folder, "doubtful", [finding])
    picture = cv2.imencode(".png", np.full((90, 640, 3), 128, np.uint8))[1].tobytes()
    for name in PICTURES:
        atomic_write_bytes(folder / "encoder" / name, picture)
    _write_film(folder)
    run = read_run(folder, [("latent", 9)])
    return write_report(run, summarise(run, Resampling.seeded(0)))


def _write_film(folder: Path) -> None:
    writer = cv2.VideoWriter(str(folder / FILM), cv2.VideoWriter.fourcc(*"VP90"), 5, (492, 756))
    for level in range(3):
        writer.write(np.full((756, 492, 3), 80 * level, np.uint8))
    writer.release()
    agents = []
    for arm in ARMS:
        card = {"arm": arm, "seed": 0, "env": {}, "stack": 1, "whiten": True, "encoder": None}
        card |= {"algorithm": "PPO", "encoder_sha256": None, "model_sha256": arm}
        write_json(folder / "agents" / arm / "seed_0" / "card.json", card)
        did = {"return_": -12.5, "decisions": 2, "ended": True}
        agents.append(Played(arm=arm, seed=0, model_sha256=arm, **did))
    digest = sha256_file(folder / FILM)
    record = FilmRecord(episode=1_000_000, agents=tuple(agents), film_sha256=digest)
    FILM_RECORD.write(folder, record)


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", WIDTHS)
def test_the_page_is_whole_quiet_and_alone(
    browser: Browser, report: Path, width: int, scheme: str
) -> None:
    browser.open(report, width, scheme)
    visible = "[...document.querySelectorAll('h2')].filter(h => h.getClientRects().length)"
    assert browser.run(f"return {visible}.map(h => h.textContent)") == HEADINGS
    assert browser.run("return document.querySelectorAll('svg').length") >= 8
    assert browser.console() == []
    requests = browser.requests()
    assert report.resolve().as_uri() in requests
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert {url for url in requests if url.startswith("file:")} == {report.resolve().as_uri()}


def test_what_is_embedded_is_shown(browser: Browser, report: Path) -> None:
    """Pictures have their size, and the film its length: 3 pictures at 5 a second."""
    browser.open(report)
    images = "[...document.images].map(i => i.complete && i.naturalWidth)"
    assert browser.run(f"return {images}") == [640] * len(PICTURES)
    browser.run(
        "await new Promise(done => { const film = document.querySelector('video');"
        "if (film.readyState) done(); film.onloadedmetadata = done; })"
    )
    film = "const film = document.querySelector('video');"
    size = browser.run(f"{film} return [film.videoWidth, film.videoHeight, film.duration]")
    assert size == [492, 756, pytest.approx(0.6, abs=0.1)]


@pytest.mark.parametrize("width", WIDTHS)
def test_nothing_sticks_out_at_the_side(browser: Browser, report: Path, width: int) -> None:
    browser.open(report, width)
    assert browser.run("return innerWidth") == width
    assert browser.run("return document.scrollingElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_names_of_any_length_stay_inside(browser: Browser, tmp_path: Path, width: int) -> None:
    folder = write_run(tmp_path / ("run" * 40), {"arm" * 30: {0: [1.0]}, "latent": {0: [2.0]}})
    write_config(folder, "key: " + "value" * 100)
    run = read_run(folder)
    browser.open(write_report(run, summarise(run, Resampling.seeded(0))), width)
    assert browser.run("return document.scrollingElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
def test_letters_are_large_enough(browser: Browser, report: Path, width: int) -> None:
    sizes = browser.open(report, width).run(SIZES)
    assert {"Held-out return over env steps", "reconstruction", "frame now"} <= {
        s for s, _ in sizes
    }
    assert [(text, size) for text, size in sizes if size < SMALLEST] == []


@pytest.mark.parametrize("scheme", SCHEMES)
def test_letters_stand_out_from_the_paper(browser: Browser, report: Path, scheme: str) -> None:
    found = browser.open(report, scheme=scheme).run(CONTRASTS)
    assert len(found) > 100
    assert [(text, ratio) for text, ratio in found if ratio < CONTRAST] == []
    paper = browser.run("return getComputedStyle(document.body).backgroundColor")
    assert (paper == "rgb(20, 23, 27)") == (scheme == "dark")


def test_every_figure_has_words(browser: Browser, report: Path) -> None:
    browser.open(report)
    assert browser.run("return document.querySelectorAll('figure').length") >= 12
    assert browser.run(WORDLESS) == []


def test_the_browser_tells_what_these_tests_look_for(browser: Browser, tmp_path: Path) -> None:
    """A page with every fault, so that an empty list above means something."""
    page = tmp_path / "bad.html"
    page.write_text(
        "<meta name='viewport' content='width=device-width, initial-scale=1'>"
        "<body style='background:#fff'><img src='http://example.invalid/x.png'>"
        "<p style='font-size:7px;color:#aaa;width:2000px'>small and pale</p>"
        "<script>console.error('complaint')</script>"
    )
    browser.open(page, 390)
    assert any("complaint" in line for line in browser.console())
    assert "http://example.invalid/x.png" in browser.requests()
    assert browser.run("return document.scrollingElement.scrollWidth") >= 2000
    assert browser.run(SIZES) == [["small and pale", 7]]
    ((text, contrast),) = browser.run(CONTRASTS)
    assert (text, contrast) == ("small and pale", pytest.approx(2.32, abs=0.01))
    assert len(browser.run(WORDLESS)) == 1
