"""What the report takes from a health check."""

from __future__ import annotations

from collections.abc import Sequence
from html import unescape
from pathlib import Path

from agents.report.sections.health import HEALTH_CHECK
from agents.run.load import read_run
from tests.agents.report.synthetic import write_check
from tests.checksums import amend

FINDINGS = [
    {"severity": "doubtful", "name": "lost", "found": "A <ball> is lost.", "advice": "Raise it."},
    {"severity": "note", "name": "dead", "found": "3 of 8 are dead.", "advice": "Take fewer."},
]


def section(folder: Path, verdict: str, findings: Sequence[object]) -> str:
    write_check(folder, verdict, findings)
    return unescape(HEALTH_CHECK.page(read_run(folder)))


def test_verdict_findings_and_advice_are_told(tmp_path: Path) -> None:
    page = section(tmp_path, verdict="doubtful", findings=FINDINGS)
    assert "Verdict: doubtful, with 2 findings." in page
    for finding in FINDINGS:
        assert finding["found"] in page
        assert finding["advice"] in page
    assert "health.html" in page


def test_a_healthy_encoder_has_an_empty_list(tmp_path: Path) -> None:
    page = section(tmp_path, verdict="healthy", findings=[])
    assert "Verdict: healthy, with no finding." in page
    assert "judged" not in page


def test_words_of_a_check_are_text(tmp_path: Path) -> None:
    write_check(tmp_path, "doubtful", FINDINGS)
    assert "A &lt;ball&gt; is lost." in HEALTH_CHECK.page(read_run(tmp_path))


def test_without_a_check_there_is_no_section(tmp_path: Path) -> None:
    assert HEALTH_CHECK.page(read_run(tmp_path)) == ""


def test_a_damaged_check_does_not_keep_the_report_from_being_written(tmp_path: Path) -> None:
    write_check(tmp_path, "healthy", [])
    amend(tmp_path / "encoder/health.json", verdict="superb")
    page = HEALTH_CHECK.page(read_run(tmp_path))
    assert "encoder/health.json is damaged." in page
    assert f"python -m scripts.diagnose {tmp_path}/config.yaml" in page
