"""A trained agent is Stable-Baselines3's zip and nothing else: it loads where no checkout is."""

from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from agents.arms.build import open_training, set_up
from agents.arms.registry import ARMS
from agents.policy.algorithms import make_model
from tests.agents.policy.zips import packages_in
from tests.tiny import load
from tests.wheel import run_with_wheel

STOCK = {"stable_baselines3", "gymnasium", "numpy", "collections", "torch", "builtins"}

SCRIPT = """
import importlib.util
import sys
from pathlib import Path

import numpy as np
import stable_baselines3

assert not any(importlib.util.find_spec(name) for name in ("agents", "scripts", "tests"))
for name in NAMES:
    algorithm, arm = name.split()
    if name == "PPO finetune":
        assert "worldvae" not in sys.modules, "nothing before it is ours"
    model = getattr(stable_baselines3, algorithm).load(f"{name}.zip")
    known = np.load(f"{name}.npz")
    actions, _ = model.predict(known["obs"], deterministic=True)
    assert (actions == known["actions"]).all(), name
    assert model.lr_schedule(0.5) == known["rate"], name
    print(name)
"""


NAMES = [
    *[f"PPO {arm}" for arm in [*ARMS] if arm != "finetune"],
    *("DQN pixels", "PPO finetune", "DQN finetune"),
]
"""Of agents, those whose first layers are ours at the end."""

DQN = {"agent.algorithm": "DQN", "agent.settings": {"buffer_size": 50, "learning_starts": 4}}


@pytest.fixture(scope="module")
def folder(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of each agent the zip after its first update, and how it acts on what."""
    folder = tmp_path_factory.mktemp("zips")
    for name in NAMES:
        algorithm, arm = name.split()
        experiment = load(prepared, **(DQN if algorithm == "DQN" else {}))
        setup = set_up(experiment, arm)
        with closing(open_training(setup, 0).env) as env:
            model = make_model(experiment.agent, env, 0, "cpu", setup.policy_arguments())
            model.learn(16)
            model.save(folder / f"{name}.zip")
            model.observation_space.seed(0)
            obs = np.stack([model.observation_space.sample() for _ in range(50)])
            actions, _ = model.predict(obs, deterministic=True)
            np.savez(folder / f"{name}.npz", obs=obs, actions=actions, rate=model.lr_schedule(0.5))
    return folder


@pytest.mark.parametrize("name", NAMES)
def test_a_zip_needs_the_libraries_alone(folder: Path, name: str) -> None:
    ours = {"worldvae"} if name.endswith("finetune") else set()
    assert packages_in(folder / f"{name}.zip") - STOCK == ours


def test_agents_act_without_the_checkout_as_in_it(folder: Path, wheel: Path) -> None:
    script = folder / "play.py"
    script.write_text(f"NAMES = {NAMES}\n{SCRIPT}")
    assert run_with_wheel(wheel, script, folder).splitlines() == NAMES
