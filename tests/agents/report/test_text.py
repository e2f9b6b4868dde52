"""`report.md` holds the facts of the page."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from agents.arms import registry
from agents.report.html import write_report
from agents.report.summary import summarise
from agents.report.verdict import verdict
from agents.run.load import read_run
from tests.agents.report.sections.test_drift import watch
from tests.agents.report.synthetic import record_spending, state, write_check, write_run
from tests.checksums import amend
from worldvae.stats import Resampling

ARMS = {
    arm: {seed: [level + seed, level + seed + 4] for seed in range(5)}
    for arm, level in (("pixels", 100.0), ("latent", 300.0))
}


def text_of(folder: Path, planned: list[tuple[str, int]] | None = None) -> str:
    run = read_run(folder, planned or [])
    write_report(run, summarise(run, Resampling.seeded(0)))
    return (folder / "report.md").read_text(encoding="utf-8")


def rows(text: str) -> dict[str, list[str]]:
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return {name: cells for name, *cells in lines}


def test_the_verdict_is_that_of_the_page(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "cars", ARMS)
    text = text_of(folder)
    assert text.startswith("# cars\n\nCarRacing-v3 · pixels, latent · 10 of 10 agents finished\n")
    for paragraph in verdict(summarise(read_run(folder), Resampling.seeded(0))):
        assert paragraph in text


def test_tables_hold_arms_pairs_costs_and_seeds(tmp_path: Path) -> None:
    """Seed k scores level + k + 2."""
    folder = write_run(tmp_path, ARMS)
    record_spending(folder)
    found = rows(re.sub(r"(?s)## At equal budgets.*?\n\n## ", "", text_of(folder)))
    assert found["IQM, 95 % interval"][0].startswith("104 (")
    assert found["env steps, charge included"] == ["100,000", "120,000 (20,000 charged)"]
    kind, seeds, difference, p, seen, *bounds, both, improvement, area = found["latent, pixels"]
    assert (kind, seeds, difference) == ("exploratory", "5", "200 (198 to 202)")
    assert p == "< 0.001"
    assert (seen, bounds) == ("3", ["0", "202"])
    assert (both.split()[0], improvement) == ("200", "1.00 (1.00 to 1.00)")
    assert area.startswith("110 ("), "from a tenth of the score to all of it: 0.55 of 200"
    assert found["minutes of pretraining"] == ["0.0", "8.0"]
    assert found["CPU minutes"][1] == "28.0 (collection 1.0, pretraining 15.0, training 12.0)"
    assert found["tuning trials"] == ["not stated"] * 2
    assert found["latent 4"] == ["306", "2", "304", "308", "16.7"]


def test_every_table_is_whole(tmp_path: Path) -> None:
    text = text_of(write_run(tmp_path, ARMS))
    for block in re.findall(r"(?:^\|.*\|\n)+", text, flags=re.M):
        assert len({line.count("|") for line in block.splitlines()}) == 1


def test_normalised_scores_are_shown_where_there_is_a_scale(tmp_path: Path) -> None:
    """104 on a scale from 4 to 204 is 0.5."""
    folder = write_run(tmp_path, ARMS)
    assert "optimality gap" not in text_of(folder)
    state(folder, "{envs: {CarRacing-v3: {random_score: 4, reference_score: 204}}}")
    found = rows(text_of(folder))
    assert found["optimality gap"][0].startswith("0.50 (")


def test_holes_differences_and_the_way_to_go_on(tmp_path: Path) -> None:
    folder = write_run(tmp_path, {"pixels": {0: [1.0]}, "latent": {0: [1.0, 2.0]}})
    text = text_of(folder, [("latent", 7)])
    assert "## Not finished\n\n- agents/latent/seed_7: not begun" in text
    assert "## Not held equal\n\n- the evaluation episodes" in text
    assert f"\npython -m scripts.compare {folder}/config.yaml\n" in text
    assert "\npython -m scripts.compare configs/tiny.yaml\n" in text


@pytest.mark.parametrize("seeds", [1, 2, 4])
def test_under_five_seeds_no_arm_is_called_better(tmp_path: Path, seeds: int) -> None:
    returns = {arm: {k: scores[k] for k in range(seeds)} for arm, scores in ARMS.items()}
    text = text_of(write_run(tmp_path, returns)).lower()
    assert "better" not in text
    assert "worse" not in text
    assert "could have been seen" not in text
    assert "in pairs" not in text


def test_nothing_finished_is_a_file_too(tmp_path: Path) -> None:
    text = text_of(write_run(tmp_path, {"pixels": {0: []}}))
    assert "nothing to compare" in text
    assert "| " not in text


LATENT = {"latent": {2: [304.0], 3: [305.0]}}
UNFIT = {
    "severity": "unfit",
    "name": "collapsed",
    "found": "0 of 4 latents are active.",
    "advice": "Lower pretrain.objective.beta.",
}


def check_health(folder: Path, verdict: str, *findings: object) -> None:
    write_check(folder, verdict, findings)


def test_health_drift_and_differences_are_told(tmp_path: Path) -> None:
    folder = write_run(tmp_path, LATENT)
    check_health(folder, "doubtful", {**UNFIT, "severity": "doubtful"})
    watch(folder / "agents/latent/seed_2", [0.01, 0.375, 0.25], [0, 0, 1], has_error=True)
    watch(folder / "agents/latent/seed_3", [0.0, 0.0], [0, 0], has_error=False)
    text = text_of(folder)
    assert "Its scores on held-out episodes: mse 0.0125. 2 of 3 latents carry more than" in text
    assert "## Latent health\n\nVerdict: doubtful, with 1 finding." in text
    assert "\n- doubtful: 0 of 4 latents are active. Lower pretrain.objective.beta.\n" in text
    assert "At the end the most was 25 % of the frames of latent 2." in text
    found = rows(text[text.index("## Did the agents") : text.index("## What it cost")])
    assert found["latent 2"] == ["1.0 %", "25.0 %", "37.5 %", "1.25", "1"]
    assert found["latent 3"] == ["0.0 %", "0.0 %", "0.0 %", "not measured", "0"]
    assert "## What differs between the arms\n\nOnly the observation" in text
    sees, layers = registry.LATENT.observation, registry.LATENT.first_layers
    assert (
        f"- latent sees {sees}; first layers of its own that the algorithm trains: {layers}" in text
    )


def test_without_a_check_and_drift_their_sections_are_left_out(tmp_path: Path) -> None:
    text = text_of(write_run(tmp_path, LATENT))
    assert "Latent health" not in text
    assert "Did the agents leave" not in text
    check_health(tmp_path, "healthy")
    amend(tmp_path / "encoder/health.json", verdict="superb")
    assert "## Latent health\n\nencoder/health.json is damaged." in text_of(tmp_path)


def test_an_unfit_encoder_stands_on_top_of_both_reports(tmp_path: Path) -> None:
    folder = write_run(tmp_path, LATENT)
    words = "The encoder is unfit by its health check. 0 of 4 latents are active."
    for verdict_found, shown in (("unfit", True), ("doubtful", False)):
        check_health(folder, verdict_found, {**UNFIT, "severity": verdict_found})
        assert (f"## Verdict\n\n{words}" in text_of(folder)) == shown
        page = (folder / "report.html").read_text(encoding="utf-8")
        assert (f"Verdict</h2><p>{words}" in page) == shown


def test_hostile_names_stay_text(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "<b>*x*|y", {"<script>|`_a_`": {0: [1.0]}})
    amend(folder / "agents/<script>|`_a_`/seed_0/result.json", command="```\n# not a title")
    text = text_of(folder)
    assert "# \\<b\\>\\*x\\*\\|y" in text
    assert "|  | \\<script\\>\\|\\`\\_a\\_\\` |" in text
    assert "\n````console\n" in text
