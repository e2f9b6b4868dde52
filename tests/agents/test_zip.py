"""A trained agent is Stable-Baselines3's zip and nothing else: it loads where no checkout is."""

from contextlib import closing
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from agents.algorithms import make_model
from agents.arms import first_layers, training_env
from agents.sections import ArmName
from tests.agents.zips import packages_in
from tests.tiny import load
from tests.wheel import run_with_wheel

STOCK = {"stable_baselines3", "gymnasium", "numpy", "collections", "torch", "builtins"}

SCRIPT = """
import importlib.util
import sys
from pathlib import Path

import numpy as np
from stable_baselines3 import PPO

assert not any(importlib.util.find_spec(name) for name in ("agents", "scripts", "tests"))
for arm in ARMS:
    if arm == "finetune":
        assert "worldvae" not in sys.modules, "only finetune's first layers are ours"
    model = PPO.load(f"{arm}.zip")
    known = np.load(f"{arm}.npz")
    actions, _ = model.predict(known["obs"], deterministic=True)
    assert (actions == known["actions"]).all(), arm
    assert model.lr_schedule(0.5) == known["rate"], arm
    print(arm)
"""


@pytest.fixture(scope="module")
def folder(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of each arm the zip after its first update, and how it acts on what."""
    folder = tmp_path_factory.mktemp("zips")
    experiment = load(prepared)
    for arm in get_args(ArmName):
        with closing(training_env(experiment, arm, 0)) as env:
            model = make_model(experiment.agent, env, 0, "cpu", first_layers(experiment, arm))
            model.learn(1)
            model.save(folder / f"{arm}.zip")
            model.observation_space.seed(0)
            obs = np.stack([model.observation_space.sample() for _ in range(50)])
            actions, _ = model.predict(obs, deterministic=True)
            np.savez(folder / f"{arm}.npz", obs=obs, actions=actions, rate=model.lr_schedule(0.5))
    return folder


@pytest.mark.parametrize("arm", get_args(ArmName))
def test_a_zip_needs_the_libraries_alone(folder: Path, arm: ArmName) -> None:
    ours = {"worldvae"} if arm == "finetune" else set()
    assert packages_in(folder / f"{arm}.zip") - STOCK == ours


def test_agents_act_without_the_checkout_as_in_it(folder: Path, wheel: Path) -> None:
    arms = sorted(get_args(ArmName), key=lambda arm: arm == "finetune")
    script = folder / "play.py"
    script.write_text(f"ARMS = {arms}\n{SCRIPT}")
    assert run_with_wheel(wheel, script, folder).split() == arms
