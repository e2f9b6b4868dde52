"""What others recorded is encoded, learnt and dreamed of, with and without their environment."""

from pathlib import Path

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces

from agents.config.experiment import Experiment
from agents.prepare import (
    collect_rollouts,
    examine_dynamics,
    import_rollouts,
    learn_latent_dynamics,
    prepare,
    pretrain_encoder,
)
from agents.run.stage_results import COLLECTION
from agents.train import train
from tests.rollouts.minari.datasets import buffer, odd, play, store_buffers
from tests.tiny import load
from worldvae.dynamics.checkpoint import read_dynamics_card
from worldvae.dynamics.dream import make_dreams
from worldvae.errors import ArtifactError, WorldvaeError
from worldvae.rollouts import RolloutStore

pytestmark = pytest.mark.filterwarnings("ignore")

EPISODES = 22

NOWHERE = {"env.id": "nobody/Robot-v0", "env.action_repeat": 1}
"""An environment that is registered nowhere."""

ODD = {
    "env.id": "tests/Odd-v0",
    "env.import": "tests.rollouts.minari.datasets",
    "env.action_repeat": 1,
}


def robot(name: str) -> None:
    """Store episodes of no environment; actions are counted from 5."""
    episodes = [buffer(12, seed, actions=np.arange(12) % 3 + 5) for seed in range(EPISODES)]
    store_buffers(name, *episodes, action_space=spaces.Discrete(3, start=5))


def dreamed(experiment: Experiment) -> gym.vector.VectorEnv:
    """Dreams of what was imported, from the rollouts to the fidelity check, after 3 steps."""
    pretrain_encoder(experiment)
    dynamics = learn_latent_dynamics(experiment)
    examine_dynamics(experiment)
    dreams = make_dreams(2, dynamics=str(dynamics), horizon=5)
    dreams.reset(seed=0)
    for _ in range(3):
        observation, *_ = dreams.step(dreams.action_space.sample())
        assert np.isfinite(observation).all()
    dreams.close()
    return dreams


def test_without_its_environment_all_but_agents_in_it(tmp_path: Path) -> None:
    robot("me/robot-v0")
    experiment = load(tmp_path, **NOWHERE)
    store = import_rollouts(experiment, "me/robot-v0")
    cost = COLLECTION.read(store.folder)
    assert (cost.episodes, cost.frames, cost.env_steps) == (EPISODES, EPISODES * 13, EPISODES * 12)
    dreams = dreamed(experiment)
    assert dreams.single_action_space == spaces.Discrete(3), "of agents, which count from 0"
    with pytest.raises(WorldvaeError, match=r"env\.id = 'nobody/Robot-v0': .* needs env\.import"):
        train(experiment, "latent", 0)


def test_with_its_environment_agents_are_trained_in_it(tmp_path: Path) -> None:
    play(odd(actions="box", length=20), "odd/box-v0", episodes=EPISODES)
    kwargs = {"actions": "box", "length": 20, "reuse": False, "spoil": False}
    experiment = load(tmp_path, **ODD, **{"env.kwargs": kwargs, "agent.env_steps": 240})
    import_rollouts(experiment, "odd/box-v0")
    before = COLLECTION.read(experiment.rollouts_folder)
    assert collect_rollouts(experiment).num_frames == before.frames, "nothing is collected"
    prepare(experiment, ["latent"])
    train(experiment, "latent", 0)
    card = read_dynamics_card(learn_latent_dynamics(experiment))
    assert card.actions.low == (-1, 0)
    assert COLLECTION.read(experiment.rollouts_folder) == before


def test_what_cannot_be_imported_leaves_nothing(tmp_path: Path) -> None:
    experiment = load(tmp_path / "runs", **NOWHERE)
    with pytest.raises(ArtifactError, match="minari:me/robot-v0 is not in"):
        import_rollouts(experiment, "me/robot-v0")
    store_buffers("me/robot-v0", buffer(rewards=np.full(4, np.nan)))
    with pytest.raises(ArtifactError, match="episode 0: a reward is not a finite number"):
        import_rollouts(experiment, "me/robot-v0")
    assert not (tmp_path / "runs").exists()


def test_half_an_import_is_not_trained_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    robot("me/robot-v0")
    experiment, append = load(tmp_path, **NOWHERE), RolloutStore.append

    def stop(store: RolloutStore, *arguments: object) -> None:
        append(store, *arguments)  # type: ignore[arg-type]
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RolloutStore, "append", stop)
        with pytest.raises(KeyboardInterrupt):
            import_rollouts(experiment, "me/robot-v0")
    with pytest.raises(ArtifactError) as error:
        pretrain_encoder(experiment)
    assert str(error.value) == (
        f"{experiment.rollouts_folder}: the import of minari:me/robot-v0 has not ended; python -m "
        "scripts.collect CONFIG --from minari:me/robot-v0 goes on"
    )
    assert import_rollouts(experiment, "me/robot-v0").num_frames == EPISODES * 13
    assert COLLECTION.read(experiment.rollouts_folder).cpu_seconds is None, "the killed part's"


def test_collected_rollouts_stay(tmp_path: Path) -> None:
    robot("me/robot-v0")
    collect_rollouts(load(tmp_path, name="one"))
    named = load(tmp_path, name="one", **NOWHERE)
    with pytest.raises(ArtifactError, match="was made with env"):
        import_rollouts(named, "me/robot-v0")
