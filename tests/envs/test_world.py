"""What trains, scores, films or collects steps any world: here one that no configuration names."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium import spaces
from gymnasium.vector import AutoresetMode, SyncVectorEnv

from agents.policy.evaluate import evaluate
from agents.video.player import Player
from worldvae.envs import EnvConfig, make_vec
from worldvae.envs.world import RealWorld, World
from worldvae.rollouts import RolloutStore, collect
from worldvae.rollouts.config import RolloutConfig

SIDE, LENGTH = 32, 5
DOTS = EnvConfig(
    id="worldvae/Dots-v0", workers="sync", frame={"height": SIDE, "width": SIDE}, action_repeat=3
)


class Brighter(gym.Env[Any, Any]):
    """Each decision makes the frame brighter by its action, which is the reward."""

    metadata = {"render_fps": 12}  # noqa: RUF012  # as Gymnasium has it
    action_space = spaces.Discrete(3)
    observation_space = spaces.Box(0, 255, (SIDE, SIDE, 3), np.uint8)

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self._level, self._decisions = (seed or 0) % 100, 0
        return self._frame(), {}

    def step(self, action: Any) -> Any:
        self._level += int(action)
        self._decisions += 1
        return self._frame(), float(action), self._decisions == LENGTH, False, {}

    def _frame(self) -> Any:
        return np.full((SIDE, SIDE, 3), self._level, np.uint8)


class Dreamlike:
    """A world of `Brighter`s; a person is shown their frames inverted."""

    name, image_key, has_limit, action_repeat = "brighter", None, True, 3

    def make_vec(self, num_envs: int, seed: int) -> Any:
        env = SyncVectorEnv([Brighter] * num_envs, autoreset_mode=AutoresetMode.SAME_STEP)
        env.reset(seed=seed)
        return env

    def make_env(self) -> Any:
        return Brighter()

    def picture(self, env: Any, observation: Any) -> Any:
        return 255 - observation


class Twos:
    """An agent that always acts 2."""

    deterministic = True
    seen = np.zeros((1, 1))

    def begin(self) -> Any:
        return self

    def __call__(self, obs: Any, episode_start: Any, state: Any = None) -> Any:
        return np.full(len(obs), 2)


WORLD: World = Dreamlike()


def test_agents_are_scored_in_any_world() -> None:
    scores = evaluate(Twos(), WORLD, range(3), num_envs=2)  # type: ignore[arg-type]
    assert [(score.seed, score.return_, score.length) for score in scores] == [
        (seed, 2.0 * LENGTH, LENGTH) for seed in range(3)
    ]


def test_a_film_shows_what_the_world_pictures() -> None:
    player = Player("twos", Twos(), WORLD, seed=7)  # type: ignore[arg-type]
    assert player.rate == 12 / 3
    assert (player.frame == 255 - 7).all()
    player.step()
    assert (player.frame == 255 - 9).all()
    player.close()


def test_frames_are_collected_in_any_world(tmp_path: Path) -> None:
    store = RolloutStore.create(tmp_path / "store", DOTS)
    collect(store, RolloutConfig(frames=100, num_envs=2, policies={"random": 1}), 0, world=WORLD)
    whole = [record for record in store.records if not record.cut]
    assert len(whole) >= 4
    for record in whole:
        episode = store.arrays(record)
        levels = store.frames(record)[:, 0, 0, 0].astype(int)
        assert np.diff(levels).tolist() == episode["reward"].tolist() == episode["action"].tolist()
        assert len(levels) == LENGTH + 1


def test_the_real_world_is_that_of_its_configuration() -> None:
    world = RealWorld(DOTS)
    assert (world.name, world.image_key, world.has_limit) == ("worldvae/Dots-v0", None, True)
    assert world.action_repeat == 3
    ours, plain = world.make_vec(2, seed=5), make_vec(DOTS, 2, seed=5)
    np.testing.assert_array_equal(ours.reset()[0], plain.reset()[0])
    env = world.make_env()
    frame, _ = env.reset(seed=0)
    np.testing.assert_array_equal(world.picture(env, frame), frame)
