"""The report of whole, unfinished, tiny and hostile runs."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from agents.report.html import write_report
from agents.report.sections import films
from agents.report.summary import summarise
from agents.run.load import read_run
from tests.agents.report.synthetic import (
    act_both_ways,
    state,
    write_config,
    write_json,
    write_run,
)
from worldvae.diagnostics.page.figures import PICTURES
from worldvae.files import atomic_write_bytes
from worldvae.stats import Resampling

PNG = cv2.imencode(".png", np.zeros((2, 2, 3), np.uint8))[1].tobytes()
THREE_ARMS = {
    arm: {seed: [level + seed, level + seed + 4] for seed in range(5)}
    for arm, level in (("pixels", 100.0), ("latent", 300.0), ("untrained", 200.0))
}


class Words(HTMLParser):
    """The visible words of a page, and its tags."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: object) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def page_of(folder: Path, planned: list[tuple[str, int]] | None = None) -> str:
    run = read_run(folder, planned or [])
    path = write_report(run, summarise(run, Resampling.seeded(0)))
    assert path == folder / "report.html"
    return path.read_text(encoding="utf-8")


def test_a_whole_run_states_differences_and_costs(tmp_path: Path) -> None:
    """Seed k scores level + k + 2: the IQM over 5 seeds is level + 4."""
    text = Words(page_of(write_run(tmp_path / "cars", THREE_ARMS))).text
    assert "cars CarRacing-v3 · pixels, latent, untrained · 15 of 15 agents finished" in text
    assert "over n = 5 seeds latent did better than pixels, by 200 (" in text
    for number in ("104", "304", "204", "120,000", "20,000 charged", "26.7", "1,234,567"):
        assert number in text
    assert "Not finished" not in text


def test_the_table_holds_hand_computed_numbers(tmp_path: Path) -> None:
    """Scores 10 and 30: mean 20, sd sqrt 200 = 14.1; the area is 0.55 of 20."""
    returns = {"pixels": {0: [10.0], 1: [30.0]}, "latent": {0: [10.0], 1: [30.0]}}
    page = page_of(write_run(tmp_path, returns))
    rows = {
        Words(row).words[0].replace("\xa0", " "): Words(row).words[1:]
        for row in re.findall(r"<tr>.*?</tr>", page)
        if "<td" in row
    }
    assert rows["IQM, 95 % interval"] == ["20.0", "10.0 to 30.0", "20.0", "10.0 to 30.0"]
    assert rows["mean ± sd over seeds"] == ["20.0 ± 14.1"] * 2
    assert rows["env steps, charge included"] == ["100,000", "120,000", "20,000 charged"]
    assert rows["minutes, charge included"] == ["16.7", "26.7", "10.0 charged"]
    assert rows["area under the curve"] == ["11.0", "11.0"]


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_under_five_seeds_no_arm_is_called_better(tmp_path: Path, seeds: int) -> None:
    returns = {arm: {k: r[k] for k in range(seeds)} for arm, r in THREE_ARMS.items()}
    page = page_of(write_run(tmp_path, returns)).lower()
    assert "better" not in page
    assert "worse" not in page
    assert "no claim about which arm is preferable" in page


def test_one_seed_has_its_interval_over_episodes_and_says_so(tmp_path: Path) -> None:
    text = Words(page_of(write_run(tmp_path, {"latent": {0: [1.0, 3.0]}}))).text
    assert "no interval" in text
    assert "the only interval is over its evaluation episodes: latent 1.00 to 3.00" in text


def test_holes_are_listed_with_the_way_to_go_on(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": {0: [1.0], 1: []}})
    text = Words(page_of(folder, [("pixels", 0), ("pixels", 1), ("latent", 0)])).text
    assert "1 of 3 agents finished" in text
    assert "agents/pixels/seed_1: not finished; 50,000 env steps so far" in text
    assert "agents/latent/seed_0: not begun" in text
    assert "python -m scripts.compare configs/tiny.yaml" in text


def test_a_run_without_any_finished_agent_is_a_report_too(tmp_path: Path) -> None:
    text = Words(page_of(write_run(tmp_path, {"pixels": {0: []}}))).text
    assert "nothing to compare" in text
    assert f"python -m scripts.compare {tmp_path}/config.yaml" in text
    (tmp_path / "empty").mkdir()
    assert "no arm yet" in Words(page_of(tmp_path / "empty")).text


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "<script>alert(1)&", {"<script>x<$\\b": {0: [1.0]}})
    path = folder / "agents/<script>x<$\\b/seed_0/result.json"
    result = json.loads(path.read_text())
    result["command"] = "</code><script>x"
    result["evaluation"]["env_id"] = '"><img src=x onerror=x>'
    write_json(path, result)
    write_config(folder, "a: </pre><script>$title")
    page = Words(page_of(folder))
    assert "script" not in page.tags
    assert "img" not in page.tags
    assert "a: </pre><script>$title" in page.text


def test_nothing_is_fetched_and_nothing_runs(tmp_path: Path) -> None:
    folder = write_run(tmp_path, THREE_ARMS)
    for name in PICTURES:
        atomic_write_bytes(folder / "encoder" / name, PNG)
    atomic_write_bytes(folder / "agents/latent/seed_0/video.webm", b"film")
    page = page_of(folder)
    sources = re.findall(r'(?:src|href|action|poster)="([^"]*)"', page)
    assert len([source for source in sources if source.startswith("data:image/png")]) == 4
    assert "data:video/webm;base64,ZmlsbQ==" in sources
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"@import|url\((?!#)", page)
    assert "script" not in Words(page).tags
    assert "default-src 'none'" in page


def test_the_first_seed_is_shown_and_large_videos_stay_outside(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = write_run(tmp_path, THREE_ARMS)
    for arm, seed in (("pixels", 1), ("pixels", 3), ("latent", 0)):
        atomic_write_bytes(folder / "agents" / arm / f"seed_{seed}" / "video.webm", b"film")
    monkeypatch.setattr(films, "VIDEO_BYTES", 4)
    text = Words(page_of(folder)).text
    assert "pixels, seed 1." in text
    assert "pixels, seed 3." not in text
    assert "latent, seed 0: too large for this page, see agents/latent/seed_0/video.webm" in text


def test_every_picture_has_words_for_those_who_cannot_see_it(tmp_path: Path) -> None:
    folder = write_run(tmp_path, THREE_ARMS)
    atomic_write_bytes(folder / "encoder/samples.png", PNG)
    page = page_of(folder)
    assert all('alt="' in tag for tag in re.findall(r"<img[^>]*>", page))
    assert all("aria-label=" in tag for tag in re.findall(r"<svg[^>]*>", page))
    ids = re.findall(r'<(?:g|section)[^>]* id="([^"]*)"', page)
    assert len(ids) == len(set(ids))


def test_an_unfair_comparison_is_called_so(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": {0: [1.0]}, "latent": {0: [1.0, 2.0]}})
    text = Words(page_of(folder)).text
    assert "The finished agents differ in the evaluation episodes" in text


def test_the_same_results_give_the_same_page(tmp_path: Path) -> None:
    folder = write_run(tmp_path, THREE_ARMS)
    assert page_of(folder) == page_of(folder)


def test_runs_are_compared_in_two_figures_from_enough_seeds_on(tmp_path: Path) -> None:
    page = page_of(write_run(tmp_path / "five", THREE_ARMS))
    assert "Share of runs above each return, by arm: pixels, latent, untrained" in page
    assert "Probability of improvement: latent over pixels 1.00" in page
    four = {arm: {k: scores[k] for k in range(4)} for arm, scores in THREE_ARMS.items()}
    page = page_of(write_run(tmp_path / "four", four))
    assert "Share of runs above each return" in page
    assert "Probability of improvement" not in page
    two = {arm: {k: scores[k] for k in range(2)} for arm, scores in THREE_ARMS.items()}
    assert "How the runs compare" not in page_of(write_run(tmp_path / "two", two))


def test_normalised_scores_have_their_section_and_their_profile(tmp_path: Path) -> None:
    folder = write_run(tmp_path, THREE_ARMS)
    text = Words(page_of(folder)).text
    assert "ptimality gap" not in text
    state(folder, "{envs: {CarRacing-v3: {random_score: 4, reference_score: 204}}}")
    page = page_of(folder)
    assert "Share of runs above each normalised score" in page
    assert "optimality gap" in Words(page).text


def test_either_way_to_act_is_in_the_table(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": {0: [10.0], 1: [30.0]}})
    assert "mode of the policy" not in page_of(folder)
    act_both_ways(folder, gain=5.0)
    text = Words(page_of(folder)).text
    assert "IQM, actions sampled, 95 % interval 20.0 10.0 to 30.0" in text.replace("\xa0", " ")
    assert text.count("IQM, ") == 2, "no row is there twice"
    assert "IQM, mode of the policy 25.0 15.0 to 35.0" in text


def test_costs_say_what_was_not_recorded(tmp_path: Path) -> None:
    text = Words(page_of(write_run(tmp_path, {"pixels": {0: [1.0]}}))).text
    assert "What it cost" in text
    assert "CPU minutes not recorded" in text
