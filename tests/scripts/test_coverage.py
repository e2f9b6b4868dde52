"""`scripts.coverage` simulates the rule for the spreads of a run."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from scripts.coverage import main
from tests.agents.report.synthetic import write_run


def test_each_pair_is_simulated_at_three_five_and_ten_seeds(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Where the deviations are alike, 95 % of intervals hold, and what could be seen is seen."""
    scores = {0: [0.0], 1: [1.0], 2: [2.0], 3: [3.0], 4: [4.0]}
    write_run(tmp_path, {"pixels": scores, "latent": scores, "blind": {0: [1.0]}})
    monkeypatch.setattr("sys.argv", ["coverage", str(tmp_path), "--draws", "4000"])
    main()
    rows = list(csv.DictReader(capsys.readouterr().out.splitlines()))
    assert [(row["first"], row["second"]) for row in rows] == [("pixels", "latent")] * 6
    by = {(row["seeds"], row["law"]): row for row in rows}
    five = by["5", "normal"]
    assert float(five["coverage"]) == pytest.approx(0.953, abs=0.012)
    assert float(five["found"]) == pytest.approx(0.8, abs=0.03)
    assert float(five["found_of_none"]) == pytest.approx(0.047, abs=0.015)
    assert five["percentile"] == ""
    assert float(by["3", "normal"]["found"]) < 0.5, "fewer seeds see less, more see more"
    assert float(by["10", "normal"]["found"]) > 0.95
    for one in ("3", "5"):  # tails on either side, since both arms have one
        assert float(by[one, "skewed"]["coverage"]) > float(by[one, "normal"]["coverage"]) + 0.004
