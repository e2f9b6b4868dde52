"""The whole way in the dream, as published: from random play to an agent that reaches the dot."""

from pathlib import Path

import numpy as np
import pytest

from agents.config.experiment import Experiment
from agents.prepare import encoder, prepare
from agents.run.agent_result import RESULT
from agents.run.load import read_run
from agents.train import train

CONFIG = Path(__file__).parents[3] / "configs" / "dots_dream.yaml"

AIMLESS = 0.45
"""More than any of five agents scored that learned from as many real steps, or that see nothing."""


def test_an_agent_that_only_dreamed_reaches_the_dot(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The encoder's health and what the agent scored on the way decide nothing.
    monkeypatch.setattr(encoder, "examine_encoder", lambda *_: None)
    settings = {"compare.arms": ["dream"], "evaluation.every": 120_000}
    experiment = Experiment.load(CONFIG, {"runs": str(tmp_path), **settings})
    prepare(experiment, ["dream"])
    result = RESULT.read(train(experiment, "dream", seed=0))
    assert result.env_steps == 0
    charged = read_run(experiment.folder).known_charge("dream").env_steps
    assert charged <= experiment.agent.env_steps
    assert np.mean(result.evaluation.returns) > AIMLESS
