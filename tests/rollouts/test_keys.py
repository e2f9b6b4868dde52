"""What a Dict observation holds beside the frame is recorded with it: at its time, by its name."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from tests.worlds import Clock
from worldvae.envs import EnvConfig
from worldvae.errors import WorldvaeError
from worldvae.rollouts import Episode, RecordedKey, RolloutConfig, RolloutStore, collect
from worldvae.rollouts.inspect import inspect_store
from worldvae.rollouts.keys import vector_keys

SMALL = RolloutConfig(frames=150, num_envs=3, policies={"random": 1.0})


class Crowded(Clock):
    """A clock with keys of any name, whose arrays the environment writes over at each step."""

    def __init__(self, render_mode: str | None = None, health: int = 2) -> None:
        super().__init__(render_mode)
        image = self.observation_space
        self.observation_space = spaces.Dict(
            {
                "camera": image,
                "side": spaces.Box(0, 255, (40, 40, 3), np.uint8),
                "action": spaces.Box(-np.inf, np.inf, (health,), np.float64),
                "key_0/../record.npy": spaces.Discrete(3),
            }
        )
        self._numbers = np.zeros(health)

    def _observe(self) -> Any:
        self._numbers[:] = self.age, *[-self.age] * (len(self._numbers) - 1)
        return {
            "camera": self.render(),
            "side": np.zeros((40, 40, 3), np.uint8),
            "action": self._numbers,
            "key_0/../record.npy": self.age % 3,
        }


gym.register("tests/Crowded-v0", entry_point=Crowded)


def config(workers: str = "sync", **kwargs: Any) -> EnvConfig:
    given = {"id": "tests/Crowded-v0", "import": "tests.rollouts.test_keys"}
    return EnvConfig(**given, workers=workers, image_key="camera", kwargs=kwargs)


def collected(folder: Path, env: EnvConfig, frames: int = 150) -> RolloutStore:
    store = RolloutStore.create(folder, env)
    collect(store, SMALL.model_copy(update={"frames": frames}), seed=0)
    return store


@pytest.mark.parametrize("workers", ["sync", "async"])
def test_keys_are_those_of_their_frame(tmp_path: Path, workers: str) -> None:
    store = collected(tmp_path, config(workers))
    assert [str(key) for key in store.recorded_keys] == ["action (2)", "key_0/../record.npy (3)"]
    ends = set()
    for record in RolloutStore(tmp_path).records:
        ages = np.arange(record.length + 1)
        assert (store.frames(record)[:, 0, 0, 0] == 10 * ages).all()
        keys = store.keys(record)
        assert list(keys) == ["action", "key_0/../record.npy"]
        assert all(values.dtype == np.float32 for values in keys.values())
        assert (keys["action"] == np.stack([ages, -ages], axis=1)).all()
        assert (keys["key_0/../record.npy"] == np.eye(3)[ages % 3]).all()
        assert set(store.arrays(record)) == {"action", "reward", "terminated", "truncated"}
        assert store.arrays(record)["action"].shape == (record.length,)
        ends.add((record.terminated, record.cut))
    assert ends == {(True, False), (False, False), (False, True)}
    assert "keys beside the frame: action (2), key_0/../record.npy (3)" in inspect_store(store)


def test_a_store_goes_on_with_the_same_keys_alone(tmp_path: Path) -> None:
    collected(tmp_path / "a", config())
    assert collected(tmp_path / "a", config(), frames=300).num_frames >= 300
    # The same task, as the configuration says; the environment itself has changed.
    gym.register("tests/Crowded-v0", entry_point=lambda **made: Crowded(health=5, **made))
    try:
        with pytest.raises(WorldvaeError) as caught:
            collected(tmp_path / "a", config(), frames=450)
    finally:
        gym.register("tests/Crowded-v0", entry_point=Crowded)
    assert str(caught.value) == (
        f"{tmp_path / 'a'}: its episodes hold the keys action (2), key_0/../record.npy (3) beside "
        "the frame, tests/Crowded-v0 now observes action (5), key_0/../record.npy (3); put it "
        "back, or collect into another folder"
    )
    assert RolloutStore(tmp_path / "a").num_frames < 320


def test_an_episode_of_other_keys_is_refused(tmp_path: Path) -> None:
    store = RolloutStore.create(tmp_path, config())
    store.describe_keys((RecordedKey(name="speed", size=1),))
    with pytest.raises(ValueError, match=r"keys \[\('speed', 2\)\] are not those"):
        store.append(episode(speed=np.zeros((3, 2), np.float32)))
    with pytest.raises(ValueError, match="another number of: observed speed"):
        episode(speed=np.zeros((2, 1), np.float32))
    with pytest.raises(ValueError, match=r"the key speed needs \(T \+ 1, d\) float32, got \(3,\)"):
        episode(speed=np.zeros(3, np.float32))
    store.append(episode(speed=np.ones((3, 1), np.float32)))
    with pytest.raises(WorldvaeError, match=r"hold the keys speed \(1\) .* now observes none;"):
        store.describe_keys(())


def test_without_keys_a_store_has_no_word_of_them(tmp_path: Path) -> None:
    clock = EnvConfig(**{"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"})
    store = collected(tmp_path, clock)
    assert (store.recorded_keys, store.keys(store.records[0])) == ((), {})
    assert not (tmp_path / "keys.json").exists()
    with np.load(tmp_path / "000000.npz") as arrays:
        assert arrays.files == ["action", "reward", "terminated", "truncated", "state", "record"]
    assert "keys beside the frame: none" in inspect_store(store)
    speed = (RecordedKey(name="speed", size=1),)
    with pytest.raises(WorldvaeError, match=r"the keys none beside the frame, .* speed \(1\)"):
        store.describe_keys(speed)


def test_cameras_and_the_frame_are_no_vector_keys() -> None:
    space = Crowded().observation_space
    assert vector_keys(space, None) == ()
    assert vector_keys(space["camera"], None) == ()
    assert [key.name for key in vector_keys(space, "camera")] == []  # float64 is not encoded yet


def episode(**keys: NDArray[np.float32]) -> Episode:
    last = np.array([False, True])
    return Episode(
        obs=np.zeros((3, 64, 64, 3), np.uint8),
        action=np.zeros(2, np.int64),
        reward=np.zeros(2),
        terminated=last,
        truncated=~last & last,
        seed=0,
        policy="random",
        keys=keys,
    )
