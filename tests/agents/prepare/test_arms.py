"""What an algorithm cannot learn from is told before anything is collected for it."""

from pathlib import Path
from typing import Any

import pytest

from agents.prepare import prepare
from agents.study.run import study
from tests.tiny import load
from worldvae.errors import TrainingError

CHOICES = {"env.id": "tests/Clock-v0", "env.import": "tests.worlds"}
KEYS = {"env.id": "odd/Odd-v0", "env.import": "tests.odd", "env.image_key": "camera"}
KEYED = {**KEYS, "env.kwargs": {"keys": ["speed"], "actions": "box"}}
MISFITS: list[tuple[str, dict[str, Any], str]] = [
    (
        "SAC",
        CHOICES,
        r"'SAC': it cannot .* Discrete\(2\); use PPO, RecurrentPPO, A2C or DQN",
    ),
    ("TQC", CHOICES, "'TQC': it cannot choose"),
    (
        "DQN",
        {},
        r"'DQN': it cannot .* Box\(.*use PPO, RecurrentPPO, A2C, SAC, TQC or CrossQ",
    ),
    ("CrossQ", KEYED, "CrossQ of sb3-contrib learns from no Dict"),
    ("PPO", {**CHOICES, "agent.settings": {"use_sde": True}}, "only .* continuous actions"),
]


def unfit(runs: Path, algorithm: str, values: dict[str, Any]) -> Any:
    defaults = {"agent.settings": {}, "env.action_repeat": 1}
    nested: dict[str, Any] = {"name": "x"}
    for key, value in {**defaults, "agent.algorithm": algorithm, **values}.items():
        section, _, name = key.partition(".")
        nested.setdefault(section, {})[name] = value
    return load(runs, **nested)


@pytest.mark.parametrize(("algorithm", "values", "words"), MISFITS)
def test_an_algorithm_that_does_not_fit_is_refused_before_anything_is_collected(
    tmp_path: Path, algorithm: str, values: dict[str, Any], words: str
) -> None:
    with pytest.raises(TrainingError, match=words):
        prepare(unfit(tmp_path, algorithm, values), ["latent", "pixels"])
    assert not any(tmp_path.iterdir())


def test_a_study_refuses_it_too(tmp_path: Path) -> None:
    values = {**CHOICES, "study.agent_seeds": [0], "study.seeds": [0]}
    with pytest.raises(TrainingError, match="'SAC': it cannot choose"):
        study(unfit(tmp_path, "SAC", values))
    assert not any(tmp_path.iterdir())
