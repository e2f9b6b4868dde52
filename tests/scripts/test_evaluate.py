"""`python -m scripts.evaluate` scores an agent, and says of which training."""

import sys
from pathlib import Path

import pytest

from agents.config.experiment import Experiment
from agents.train import train
from scripts.evaluate import main
from tests.tiny import TINY

SHORT = {"agent.env_steps": 240, "evaluation.episodes": 2}


def test_an_agent_that_is_not_finished_is_scored_as_such(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = train(Experiment.load(TINY, {"runs": str(tmp_path), "name": "x", **SHORT}), "blind", 3)
    words = [str(TINY), "--runs", str(tmp_path), "--name", "x", "--arm", "blind", "--seed", "3"]
    options = [word for key, value in SHORT.items() for word in (f"--{key}", str(value))]
    monkeypatch.setattr(sys, "argv", ["evaluate", *words, *options])
    capsys.readouterr()
    main()
    header, *rows, mean = capsys.readouterr().out.splitlines()
    assert (header, len(rows)) == ("seed,return,decisions", 2)
    assert mean.startswith("blind seed 3 in gymnasium: mean ")
    (folder / "result.json").unlink()
    main()
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("blind seed 3 after 240 env steps, unfinished, in gymnasium: mean ")
