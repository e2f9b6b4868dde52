"""The page of a health check: whole, empty and hostile."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from tests.diagnostics.synthetic import code, errors, evidence
from worldvae.autoencoders.objectives import AE
from worldvae.diagnostics.health import write_health
from worldvae.diagnostics.metrics.jackknife import EpisodeInterval
from worldvae.diagnostics.metrics.neighbours import Neighbours
from worldvae.diagnostics.metrics.reconstruction import (
    DuplicatePair,
    Overfitting,
    Places,
    Reconstruction,
)
from worldvae.diagnostics.metrics.state import (
    DisentanglementScores,
    FactorScores,
    ProbedVariable,
    Probes,
)
from worldvae.diagnostics.page.figures import LISTED, PICTURES
from worldvae.diagnostics.page.write import MEANINGS, render
from worldvae.diagnostics.rules.evidence import Health
from worldvae.diagnostics.rules.findings import find, verdict_of
from worldvae.envs.state import why_no_state
from worldvae.files import atomic_write_bytes

PNG = cv2.imencode(".png", np.zeros((2, 2, 3), np.uint8))[1].tobytes()
SECTIONS = [
    "verdict",
    "findings",
    "reconstruction",
    "code",
    "overfitting",
    "neighbours",
    "probes",
    "disentanglement",
    "pictures",
    "measured",
]


class Page(HTMLParser):
    """The visible words of a page, its tags, and the ids of its sections."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[str] = []
        self.sections: list[str | None] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag == "section":
            self.sections.append(dict(attrs)["id"])

    def handle_data(self, data: str) -> None:
        if self.tags[-1:] != ["style"]:
            self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


NO_STATE = why_no_state("me/Robot-v0")


def health(**given: Any) -> Health:
    found = evidence(**{"no_probes": NO_STATE, "no_disentanglement": NO_STATE, **given})
    findings = find(found)
    return Health(
        **dict(found),
        verdict=verdict_of(findings),
        findings=findings,
        seconds={"reading": 0.001, "encoding": 12.34},
        seed=5,
        rollouts="runs/x/rollouts",
        command="python -m scripts.pretrain configs/x.yaml --seed 5",
    )


def probes(names: list[str], latents: float = 0.25) -> Probes:
    scores = {"latents": latents, "pixels": 0.875, "untrained": 0.125, "majority": -3.0}
    return Probes(
        variables=tuple(
            ProbedVariable(
                name=name, group=name.split(".")[0], kind="r2", classes=None, scores=scores
            )
            for name in names
        ),
        groups={name.split(".")[0]: scores for name in names},
        mean=scores,
        dropped={"lives": "it hardly varies"},
        rows={"train": 800, "validation": 100, "test": 100},
        duplicates=7,
        gained=EpisodeInterval(value=0.125, low=-0.25, high=0.5),
    )


def disentanglement(names: list[str]) -> DisentanglementScores:
    factor = {"mig": 0.5, "sap": 0.25, "completeness": None, "informativeness": 0.75}
    return DisentanglementScores(
        mig=0.5,
        sap=0.25,
        dci_disentanglement=None,
        dci_completeness=0.625,
        dci_informativeness=0.75,
        factor_vae=0.875,
        factor_vae_chance=0.5,
        variables=tuple(FactorScores(name=name, factor_vae=1.0, **factor) for name in names),
        importance=tuple((1 / 8,) * len(names) for _ in range(8)),
        skipped=("lives",),
        largest_correlation=0.75,
        correlated=("ball.x", "ball.y"),
        rows=4321,
    )


WHOLE: dict[str, Any] = {
    "probes": probes(["ball.x", "ball.y"]),
    "no_probes": None,
    "disentanglement": disentanglement(["ball.x", "ball.y"]),
    "no_disentanglement": None,
}


def text_of(folder: Path, **given: Any) -> str:
    return Page(render(health(**given), folder)).text


def test_sections_come_in_their_order_with_or_without_data(tmp_path: Path) -> None:
    for given in ({}, WHOLE):
        assert Page(render(health(**given), tmp_path)).sections == SECTIONS


def test_the_verdict_is_one_line_and_what_it_means(tmp_path: Path) -> None:
    sound = text_of(tmp_path)
    assert (
        "Healthy. 8 of 8 latents are active; of what held-out frames show beyond the mean image, "
        "6 % is lost."
    ) in sound
    assert MEANINGS["healthy"] in sound
    collapsed = text_of(tmp_path, code=code(active=0, rate=0.01))
    assert "Unfit. 0 of 8 latents are active and the code carries 0.01 nats" in collapsed
    assert MEANINGS["unfit"] in collapsed


def test_each_finding_has_its_severity_and_advice(tmp_path: Path) -> None:
    given = {"reconstruction": Reconstruction(train=errors(moving=0.6), held_out=errors())}
    page, found = render(health(**given), tmp_path), health(**given).findings
    assert [finding.severity for finding in found] == ["doubtful", "note"]
    for finding in found:
        assert finding.found in Page(page).text
        assert finding.advice in Page(page).text
    assert re.findall(r'<li class="(\w+)"><b>(\w+)</b>', page) == [("doubtful",) * 2, ("note",) * 2]


def test_errors_stand_side_by_side(tmp_path: Path) -> None:
    page = render(health(), tmp_path)
    rows = {Page(row).words[0]: Page(row).words[1:] for row in re.findall(r"<tr>.*?</tr>", page)}
    assert rows["lost, moving pixels"] == ["10 %", "10.0 % of all pixels"] * 2
    assert rows["lost, all pixels"] == ["5 %", "6 %"]
    assert rows["lost, things that stand still"] == ["n/a", "hardly any"] * 2
    assert rows["PSNR, dB"] == ["30.0", "30.0"]
    assert rows["in all pixels"] == ["0.90", "1.00"]


def test_maps_show_where_what_moves_is_lost(tmp_path: Path) -> None:
    shown = errors(places=Places(lost=((0.1, None), (0.9, 0.4))))
    words = "What is lost of what moves in each place of the frame"
    assert words in text_of(tmp_path, reconstruction=Reconstruction(train=shown, held_out=shown))
    assert words not in text_of(tmp_path), "nothing moves often enough"


def test_what_is_missing_says_why_and_how_to_get_it(tmp_path: Path) -> None:
    text = text_of(
        tmp_path,
        overfitting=Overfitting(ratio=1.0, low=None, high=None),
        neighbours=Neighbours(queries=1, candidates=1, pixels=None, moving=None, state=None),
        reconstruction=Reconstruction(train=errors(moving=None), held_out=errors(moving=None)),
    )
    for name in PICTURES:
        assert f"There is no {name} in the encoder's folder" in text
    assert text.count(f"{NO_STATE[0].upper()}{NO_STATE[1:]}.") == 3  # a note, and two sections
    assert "no interval, since a split is a single episode" in text
    assert "in all pixels: all frames are equal" in text
    assert "n/a no pixel moves" in text


def test_dead_and_double_latents_are_named(tmp_path: Path) -> None:
    pair = DuplicatePair(first=3, second=5, correlation=-0.97)
    text = text_of(tmp_path, code=code(active=6, duplicates=(pair,)))
    assert "6 of 8 latents are active. They carry 20.00 nats a held-out frame. Dead: 6, 7." in text
    assert "latents 3 and 5, correlation -0.97" in text
    text = text_of(tmp_path, code=code(duplicates=(pair,) * (LISTED + 2)))
    assert "and 2 more pairs in health.json" in text


def test_a_point_code_has_no_rate(tmp_path: Path) -> None:
    page = render(health(objective=AE()), tmp_path)
    assert "KL of each latent" not in page
    assert "above 1 % of that of the most varying latent" in Page(page).text


def test_the_interval_of_overfitting_is_told(tmp_path: Path) -> None:
    assert "is 1.10 times that on training episodes (95 % interval over episodes 0.90 to 1.30)" in (
        text_of(tmp_path)
    )


def test_probes_stand_beside_their_floors_and_ceiling(tmp_path: Path) -> None:
    text = text_of(tmp_path, **WHOLE)
    assert "latents 0.25, pixels 0.88, untrained 0.12, majority -3.00." in text
    assert "ball.x R2 0.25 0.88 0.12 -3.00" in text
    assert "Latents less untrained: 0.12 (-0.25 to 0.50, 95 % over test episodes)." in text
    assert "lives: it hardly varies" in text
    assert "An arrow: below -0.2." in text
    assert "python -m scripts.diagnose CONFIG --supervised" in text
    known = {**dict(WHOLE["probes"].mean), "supervised": 0.95}
    found = WHOLE["probes"].model_copy(update={"mean": known, "groups": {"ball": known}})
    found = found.model_copy(update={"variables": ()})
    text = text_of(tmp_path, **{**WHOLE, "probes": found})
    assert "supervised 0.95" in text
    assert "No ceiling was measured" not in text
    assert "A row for each group of variables." in text


def test_many_variables_are_drawn_as_groups(tmp_path: Path) -> None:
    names = [f"group{i % 3}.v{i}" for i in range(40)]
    text = text_of(tmp_path, probes=probes(names), no_probes=None)
    assert "A row for each group of variables." in text
    assert "group0.v39" in text


def test_disentanglement_names_its_limits(tmp_path: Path) -> None:
    text = text_of(tmp_path, **WHOLE)
    assert "DCI disentanglement (own variant) n/a" in text
    assert "FactorVAE (own variant) 0.88 chance 0.50" in text
    assert "ball.x and ball.y correlate by 0.75" in text
    assert "From 4,321 frames." in text
    assert "Left out, since they hardly vary: lives." in text


def test_how_it_was_measured_is_told(tmp_path: Path) -> None:
    text = text_of(tmp_path)
    assert "800 train, 100 validation, 100 test" in text
    assert "100 frames of 10 episodes reconstructed" in text
    assert "If a sweep of these rollouts chose beta" in text
    assert "12.3: encoding 12.3" in text
    assert "torch " in text
    assert "beta: 1.0" in text


def test_the_command_is_exact(tmp_path: Path) -> None:
    text = text_of(tmp_path)
    assert "python -m scripts.pretrain configs/x.yaml --seed 5 " in text
    assert "Path('runs/x/rollouts')" in text
    assert "RolloutStore(rollouts), seed=5) " in text
    known = {**WHOLE["probes"].mean, "supervised": 1.0}
    found = WHOLE["probes"].model_copy(
        update={"mean": known, "groups": {"ball": known}, "variables": ()}
    )
    text = text_of(tmp_path, probes=found, no_probes=None)
    assert "seed=5, supervised=True)" in text


def test_nothing_is_fetched_nothing_runs_and_pictures_have_words(tmp_path: Path) -> None:
    for name in PICTURES:
        atomic_write_bytes(tmp_path / name, PNG)
    page = render(health(**WHOLE), tmp_path)
    sources = re.findall(r'(?:src|href|action|poster)="([^"]*)"', page)
    assert len([source for source in sources if source.startswith("data:image/png")]) == 4
    assert all(source.startswith(("data:", "#")) for source in sources)
    assert not re.search(r"@import|url\((?!#)", page)
    assert "default-src 'none'" in page
    assert all('alt="' in tag for tag in re.findall(r"<img[^>]*>", page))
    drawings = re.findall(r"<svg[^>]*>", page)
    assert len(drawings) == 4
    assert all("aria-label=" in tag for tag in drawings)


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    hostile = '</p><script>x</script><img src=x onerror="x">$title'
    folder = tmp_path / "<script>x"
    folder.mkdir()
    given = {
        "env_id": hostile,
        "probes": probes([hostile, "ball.x"]),
        "no_probes": None,
        "disentanglement": disentanglement([hostile, "$\\frac{"]),
        "no_disentanglement": None,
    }
    page = Page(render(health(**given), folder))
    assert not {"script", "img"} & set(page.tags)
    assert hostile in page.text


def test_the_same_check_gives_the_same_page(tmp_path: Path) -> None:
    assert render(health(**WHOLE), tmp_path) == render(health(**WHOLE), tmp_path)
    write_health(health(), tmp_path)
    assert (tmp_path / "health.html").read_text() == render(health(), tmp_path)


BROWSER = shutil.which("chromium") or shutil.which("google-chrome")
FRAMED = """<body><iframe style="width:390px" src="health.html"></iframe>
<iframe style="width:1280px" src="health.html"></iframe><script>
onload = () => { document.title = [...document.querySelectorAll("iframe")]
  .map((frame) => frame.contentDocument.documentElement.scrollWidth).join(" and "); }
</script><style>iframe { border: 0; height: 900px }</style>"""


@pytest.mark.skipif(BROWSER is None, reason="needs Chromium")
def test_a_browser_has_nothing_to_scroll_sideways(tmp_path: Path) -> None:
    names = [f"small_object_localization_of_things.variable_{i}" for i in range(9)]
    told = {"probes": probes(names), "disentanglement": disentanglement(names)}
    page = render(health(**{**WHOLE, **told}, code=code(active=5)), tmp_path)
    (tmp_path / "health.html").write_text(page.replace("<details>", "<details open>"))
    (tmp_path / "framed.html").write_text(FRAMED)
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--dump-dom"]
    options += ["--hide-scrollbars", "--allow-file-access-from-files"]
    options += [f"--user-data-dir={tmp_path / 'profile'}", (tmp_path / "framed.html").as_uri()]
    shown = subprocess.check_output([str(BROWSER), *options], text=True, timeout=120)
    assert "<title>390 and 1280</title>" in shown
