"""Datasets that others made: by Minari's own collector, of other environments."""

from pathlib import Path
from typing import Any

import gymnasium as gym
import minari
import numpy as np
import pytest
from gymnasium import spaces
from gymnasium.wrappers import FilterObservation, ResizeObservation

from tests.odd import ACTIONS, KEYS
from tests.rollouts.minari.datasets import (
    NOWHERE,
    SIDE,
    buffer,
    odd,
    odd_config,
    play,
    said,
    store_buffers,
)
from worldvae.envs import EnvConfig, make_env
from worldvae.envs.frames import preprocess
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.manifest import split_of
from worldvae.rollouts.minari import import_dataset


def imported(name: str, folder: Path, env: EnvConfig) -> RolloutStore:
    return import_dataset(name, folder / "rollouts", env)


@pytest.mark.parametrize("actions", ACTIONS)
@pytest.mark.filterwarnings("ignore:.*count from")
def test_what_the_collector_recorded_is_in_the_store(actions: str, tmp_path: Path) -> None:
    play(odd(actions=actions), "odd/random-v0", episodes=3)
    store = imported("odd/random-v0", tmp_path, odd_config(actions=actions))
    dataset = minari.load_dataset("odd/random-v0")
    assert [record.length for record in store.records] == [6, 6, 3]
    for index, (record, episode) in enumerate(zip(store.records, dataset, strict=True)):
        arrays = store.arrays(record)
        assert (store.frames(record) == episode.observations).all()
        assert (arrays["action"] == episode.actions).all()
        assert arrays["action"].dtype == episode.actions.dtype
        assert (arrays["reward"] == np.arange(1, record.length + 1)).all(), "the age"
        assert (arrays["terminated"] == episode.terminations).all()
        assert (arrays["truncated"] == episode.truncations).all()
        assert (record.split, record.policy) == (split_of(index), "minari:odd/random-v0")
    assert [record.terminated for record in store.records] == [True, True, False]
    assert store.action_space == ACTIONS[actions]


def test_keys_are_encoded_as_agents_observe_them(tmp_path: Path) -> None:
    names = ("speed", "gear", "map", "rear")
    # Odd tells of a key that its space does not name, which Minari cannot store.
    play(FilterObservation(odd(keys=names), ["camera", *names]), "odd/dict-v0")
    store = imported("odd/dict-v0", tmp_path, odd_config("camera", keys=list(names)))
    assert {str(key) for key in store.recorded_keys} == {"speed (1)", "gear (4)", "map (147)"}
    (record, _), (episode, _) = store.records, minari.load_dataset("odd/dict-v0")
    keys = store.keys(record)
    assert (store.frames(record) == episode.observations["camera"]).all()
    assert (keys["speed"] == episode.observations["speed"]).all()
    assert (keys["gear"].argmax(axis=1) + KEYS["gear"].start == episode.observations["gear"]).all()
    flat = episode.observations["map"].reshape(len(keys["map"]), -1)
    assert keys["map"] == pytest.approx(flat / np.float32(255))


def test_keys_that_no_agent_can_observe_are_left_out(tmp_path: Path) -> None:
    frames = buffer().observations
    space = spaces.Dict(
        {
            "camera": spaces.Box(0, 255, (SIDE, SIDE, 3), np.uint8),
            "mission": spaces.Text(9, charset="go"),
            "speed": spaces.Box(0, 9, (1,), np.float32),
        }
    )
    speed = np.arange(5, dtype=np.float32)[:, None]
    observations = {"camera": frames, "mission": ["go"] * 5, "speed": speed}
    store_buffers("talk-v0", buffer(observations=observations), observation_space=space)
    env = NOWHERE.model_copy(update={"image_key": "camera"})
    with said() as lines:
        store = imported("talk-v0", tmp_path, env)
    assert "minari:talk-v0: no agent can observe mission, it is left out" in lines
    assert (store.keys(store.records[0])["speed"] == speed).all()
    assert [key.name for key in store.recorded_keys] == ["speed"]


def test_frames_are_prepared_as_the_config_says(tmp_path: Path) -> None:
    play(odd(), "odd/random-v0")
    frame = {"height": 32, "width": 32, "color": "gray", "crop": {"top": 4}}
    env = odd_config()
    env = EnvConfig(**{**env.model_dump(by_alias=True), "frame": frame})
    store = imported("odd/random-v0", tmp_path, env)
    episode = minari.load_dataset("odd/random-v0")[0]
    shown = [preprocess(image, env.frame) for image in episode.observations]
    assert (store.frames(store.records[0]) == np.stack(shown)).all()
    assert store.source_shape == (SIDE, SIDE, 3), "which the encoder's card names"


@pytest.mark.parametrize("image", ["gray", "shares", "float levels", "channel first", "bits"])
def test_images_are_read_as_those_of_an_environment(image: str, tmp_path: Path) -> None:
    play(odd(image=image), "odd/random-v0", episodes=1)
    env = odd_config(image=image)
    store = imported("odd/random-v0", tmp_path, env)
    real = make_env(env)
    first, _ = real.reset(seed=0)
    assert (store.frames(store.records[0])[0] == first).all()
    real.close()


def test_an_environment_that_was_prepared_by_make_env(tmp_path: Path) -> None:
    """Its frames are not prepared again, its state has names, its action repeat is told."""
    crop = {"left": 2, "right": 2}
    env = EnvConfig(
        id="worldvae/Dots-v0", frame={"height": 40, "width": 40, "crop": crop}, action_repeat=2
    )
    play(make_env(env), "dots-v0", record_infos=True)
    store = imported("dots-v0", tmp_path, env)
    episode = minari.load_dataset("dots-v0")[0]
    assert (store.frames(store.records[0]) == episode.observations).all()
    assert (store.arrays(store.records[0])["state"] == episode.infos["state"]).all()
    assert [variable.name for variable in store.state_variables][:2] == ["agent.x", "agent.y"]
    assert store.env_steps == 2 * sum(record.length for record in store.records)


def test_infos_that_nobody_can_name_are_left_out(tmp_path: Path) -> None:
    store_buffers("robot-v0", buffer(infos={"state": np.zeros((5, 3)), "other": np.zeros(5)}))
    with said() as lines:
        store = imported("robot-v0", tmp_path, NOWHERE)
    assert store.state_variables == ()
    assert "state" not in store.arrays(store.records[0])
    assert lines[2] == (
        "minari:robot-v0: infos/state is left out: (3,) numbers a frame, for which no state reader "
        "of me/Robot-v0 has names"
    )


def test_an_episode_that_was_left_unfinished_is_cut(tmp_path: Path) -> None:
    never = np.zeros(4, bool)
    store_buffers("robot-v0", buffer(terminations=never), buffer(3))
    store = quietly("robot-v0", tmp_path)
    assert [(r.cut, r.terminated) for r in store.records] == [(True, False), (False, True)]
    assert store.arrays(store.records[0])["truncated"].tolist() == [False, False, False, True]


def test_an_episode_may_end_in_both_ways(tmp_path: Path) -> None:
    last = np.arange(4) == 3
    store_buffers("robot-v0", buffer(truncations=last))
    arrays = quietly("robot-v0", tmp_path).arrays(RolloutStore(tmp_path / "rollouts").records[0])
    assert (arrays["terminated"] & arrays["truncated"]).tolist() == last.tolist()


def test_episodes_without_a_decision_are_left_out(tmp_path: Path) -> None:
    nothing = np.zeros((0,), np.int64)
    flags = np.zeros(0, bool)
    empty = buffer(
        observations=buffer().observations[:1],
        actions=nothing,
        rewards=np.zeros(0),
        terminations=flags,
        truncations=flags,
    )
    with_hdf5_of(empty, buffer(2))
    with said() as lines:
        store = imported("robot-v0", tmp_path, NOWHERE)
    assert "minari:robot-v0: episode 0 has no decisions, it is left out" in lines
    assert [(record.name, record.length) for record in store.records] == [("000001", 2)]


def with_hdf5_of(*buffers: Any) -> None:
    """Minari's own writer refuses an episode without steps; here it is emptied afterwards."""
    import h5py

    store_buffers("robot-v0", buffer(1), *buffers[1:])
    path = minari.load_dataset("robot-v0").storage.data_path / "main_data.hdf5"
    with h5py.File(path, "r+") as file:
        file["episode_0"].attrs["total_steps"] = 0
        for name in ("actions", "rewards", "terminations", "truncations"):
            file[f"episode_0/{name}"].resize(0, axis=0)


def quietly(name: str, folder: Path) -> RolloutStore:
    with said():
        return imported(name, folder, NOWHERE)


def test_what_has_no_environment_here_is_said(tmp_path: Path) -> None:
    store_buffers("robot-v0", buffer())
    with said() as lines:
        store = imported("robot-v0", tmp_path, NOWHERE)
    first, second = lines
    assert first == (
        "minari:robot-v0 does not say which environment it shows; taken for me/Robot-v0 (env.id)"
    )
    assert second.startswith(
        "minari:robot-v0 serves encoders, dynamics and dreams alone, since here env.id = "
        "'me/Robot-v0': "
    )
    assert store.action_space == gym.spaces.Discrete(5)


def test_defaults_of_another_version_are_no_other_task(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    play(odd(), "odd/random-v0")
    monkeypatch.setitem(gym.spec("tests/Odd-v0").kwargs, "length", 6)
    monkeypatch.setattr(gym.spec("tests/Odd-v0"), "max_episode_steps", 1_000)
    assert len(imported("odd/random-v0", tmp_path, odd_config()).records) == 2


def test_frames_that_the_environment_does_not_show_are_said(tmp_path: Path) -> None:
    play(ResizeObservation(odd(), (36, 48)), "odd/random-v0")
    with said() as lines:
        store = imported("odd/random-v0", tmp_path, odd_config())
    assert lines == [
        "minari:odd/random-v0: its frames are (36, 48, 3), tests/Odd-v0 shows (40, 40, 3), so that "
        "encoders made from it cannot read that environment"
    ]
    assert store.source_shape == (36, 48, 3)


def test_lossy_frames_are_said(tmp_path: Path) -> None:
    play(odd(), "odd/random-v0", jpeg_encoding=True)
    with said() as lines:
        store = imported("odd/random-v0", tmp_path, odd_config())
    assert lines == [
        "minari:odd/random-v0: its frames were stored as JPEG, and are not quite those of the "
        "environment"
    ]
    episode = minari.load_dataset("odd/random-v0")[0]
    assert (store.frames(store.records[0]) == episode.observations).all()
