"""What is printed of an agent that is scored again."""

from pathlib import Path

import pytest

from agents.policy.evaluate import Score
from agents.rescore import rescore, score_lines
from agents.train import train
from tests.tiny import load
from worldvae.stats import Resampling


@pytest.mark.parametrize(
    ("returns", "row", "summary"),
    [
        ((0.912, 0.5), "0,0.912,30", "mean 0.706"),
        ((-3e-6, 1e-6), "0,-0.00000300,30", "mean -0.00000100"),
        ((812.34, 700.0), "0,812.3,30", "mean 756.2"),
    ],
)
def test_small_returns_are_read_too(returns: tuple[float, ...], row: str, summary: str) -> None:
    """Those of an environment that pays one at most were rounded to a tenth."""
    scores = [Score(seed, total, 30) for seed, total in enumerate(returns)]
    lines = list(score_lines("dream seed 0", scores, Resampling.seeded(0)))
    assert lines[:2] == ["seed,return,decisions", row]
    assert lines[-1].startswith(f"dream seed 0: {summary}, 95 %")


def test_of_a_dreamer_in_training_the_dreamed_steps_are_told(runs: Path) -> None:
    """It has taken none in reality, however long it has trained."""
    experiment = load(runs, **{"dream.env_steps": 240, "evaluation.episodes": 2})
    (train(experiment, "dream", 0) / "result.json").unlink()
    told = [*rescore(experiment, "dream", 0, "gymnasium")][-1]
    assert told.startswith("dream seed 0 after 240 dreamed env steps, unfinished, in gymnasium: ")
