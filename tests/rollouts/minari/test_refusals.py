"""What cannot be imported or exported is one line that names the dataset and the fix."""

import json
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from gymnasium import spaces

from tests.rollouts.minari.datasets import (
    IMAGE,
    NOWHERE,
    SIDE,
    buffer,
    odd,
    odd_config,
    play,
    said,
    store_buffers,
)
from tests.rollouts.test_keys import collected
from tests.rollouts.test_keys import config as crowded
from worldvae.envs import EnvConfig, FrameConfig, make_env
from worldvae.errors import WorldvaeError
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.minari import export_dataset, import_dataset

NAME = "me/robot-v0"


def refusal(
    folder: Path, env: EnvConfig = NOWHERE, name: str = NAME, is_begun: bool = False
) -> str:
    """The one line of the error, without the name of the dataset.

    No folder of rollouts is made by it, unless with `is_begun` an episode was stored before.
    """
    before = (folder / "rollouts").exists()
    with said(), pytest.raises(WorldvaeError) as error:
        import_dataset(name, folder / "rollouts", env)
    line = str(error.value)
    assert "\n" not in line
    assert (folder / "rollouts").exists() == (before or is_begun)
    return line.removeprefix(f"minari:{name}: ")


def keyed(*keys: str) -> EnvConfig:
    return NOWHERE.model_copy(update={"image_key": keys[0] if keys else None})


def images(*names: str, **others: spaces.Space[Any]) -> spaces.Dict:
    return spaces.Dict({**dict.fromkeys(names, IMAGE), **others})


def dict_buffer(space: spaces.Dict, length: int = 4) -> Any:
    observations = {
        key: np.stack([part.sample() for _ in range(length + 1)])
        for key, part in space.spaces.items()
    }
    return buffer(length, observations=observations)


def test_no_episodes(tmp_path: Path) -> None:
    store_buffers(NAME)
    assert refusal(tmp_path) == "no episodes to import"


def test_no_images(tmp_path: Path) -> None:
    vector = spaces.Box(-1, 1, (4,), np.float32)
    numbers = np.zeros((5, 4), np.float32)
    store_buffers(NAME, buffer(observations=numbers), observation_space=vector)
    assert refusal(tmp_path) == (
        "no image that worldvae reads (uint8, or numbers of which 0 is black and 1 or 255 white): "
        "it observes a Box (4,) float32 from -1.0 to 1.0"
    )


def test_no_images_among_the_keys(tmp_path: Path) -> None:
    space = spaces.Dict({"speed": spaces.Box(-1, 1, (4,), np.float32)})
    store_buffers(NAME, dict_buffer(space), observation_space=space)
    assert refusal(tmp_path) == "no image among the keys speed"


def test_float_images_without_a_white(tmp_path: Path) -> None:
    space = spaces.Box(-np.inf, np.inf, (SIDE, SIDE, 3), np.float32)
    floats = np.zeros((5, SIDE, SIDE, 3), np.float32)
    store_buffers(NAME, buffer(observations=floats), observation_space=space)
    assert refusal(tmp_path) == (
        "no image that worldvae reads (uint8, or numbers of which 0 is black and 1 or 255 white): "
        f"it observes a Box ({SIDE}, {SIDE}, 3) float32 from -inf to inf"
    )


def test_float_images_brighter_than_white(tmp_path: Path) -> None:
    space = spaces.Box(0, 1, (SIDE, SIDE, 3), np.float32)
    floats = np.full((5, SIDE, SIDE, 3), 7, np.float32)
    store_buffers(NAME, buffer(observations=floats), observation_space=space)
    assert refusal(tmp_path) == (
        "episode 0: an image has values from 7.0 to 7.0, where its space says 0 to 1"
    )


def test_several_images_and_none_chosen(tmp_path: Path) -> None:
    space = images("left", "right", speed=spaces.Box(0, 1, (1,), np.float32))
    store_buffers(NAME, dict_buffer(space), observation_space=space)
    assert refusal(tmp_path) == "it observes a Dict; set env.image_key to left or right"
    assert refusal(tmp_path, keyed("top")) == (
        "env.image_key = 'top' is none of its keys; set env.image_key to left or right"
    )
    with said():
        store = import_dataset(NAME, tmp_path / "rollouts", keyed("right"))
    assert [key.name for key in store.recorded_keys] == ["speed"]


def test_other_keys_are_chosen_by_name(tmp_path: Path) -> None:
    numbers = {name: spaces.Box(0, 1, (1,), np.float32) for name in ("speed", "fuel")}
    space = images("camera", **numbers)
    store_buffers(NAME, dict_buffer(space), observation_space=space)
    chosen = keyed("camera").model_copy(update={"other_keys": ("height",)})
    assert refusal(tmp_path, chosen) == (
        "env.other_keys names height; beside the image there are: fuel, speed"
    )
    chosen = chosen.model_copy(update={"other_keys": ("fuel",)})
    with said():
        store = import_dataset(NAME, tmp_path / "rollouts", chosen)
    assert [key.name for key in store.recorded_keys] == ["fuel"]


def test_an_image_key_where_there_are_no_keys(tmp_path: Path) -> None:
    store_buffers(NAME, buffer())
    assert refusal(tmp_path, keyed("camera")) == (
        f"no keys, so no env.image_key = 'camera': it observes a Box ({SIDE}, {SIDE}, 3) uint8 "
        "from 0 to 255"
    )


def test_another_frame_size_in_the_middle(tmp_path: Path) -> None:
    small = np.zeros((5, 32, 32, 3), np.uint8)
    store_buffers(NAME, buffer(3), buffer(observations=small), buffer(2))
    assert refusal(tmp_path, is_begun=True) == (
        "episode 1: its images are (32, 32, 3) uint8, those of the dataset's space "
        f"({SIDE}, {SIDE}, 3) uint8"
    )
    with pytest.raises(WorldvaeError, match="1 of the 3 episodes of minari:me/robot-v0; python"):
        RolloutStore(tmp_path / "rollouts").healthy()


def test_discrete_actions_outside_of_their_space(tmp_path: Path) -> None:
    store_buffers(NAME, buffer(actions=np.arange(5, 9)))
    assert refusal(tmp_path) == "episode 0: the action 5 is none of Discrete(5)"


def test_actions_from_five_where_the_environment_counts_from_zero(tmp_path: Path) -> None:
    play(odd(actions="from five"), NAME)
    lines = refusal(tmp_path, odd_config(actions="discrete"))
    assert lines.startswith(f"minari:{NAME} was made with env.kwargs = ")
    store_buffers("me/five-v0", buffer(actions=np.arange(5, 9)), action_space=FROM_FIVE)
    assert refusal(tmp_path, odd_config(), "me/five-v0") == (
        "its actions are Discrete(5, start=5), those of tests/Odd-v0 as configured are Discrete(3)"
    )


FROM_FIVE = spaces.Discrete(5, start=5)


def test_actions_from_five_are_kept_and_said(tmp_path: Path) -> None:
    store_buffers(NAME, buffer(actions=np.arange(5, 9)), action_space=FROM_FIVE)
    with said() as lines:
        store = import_dataset(NAME, tmp_path / "rollouts", NOWHERE)
    assert f"minari:{NAME}: its actions count from 5; those of agents count from 0" in lines
    assert store.action_space == FROM_FIVE
    assert store.arrays(store.records[0])["action"].tolist() == [5, 6, 7, 8]


@pytest.mark.parametrize(
    ("space", "actions", "why"),
    [
        (
            spaces.MultiDiscrete([2, 3]),
            np.zeros((4, 2), int),
            "MultiDiscrete([2 3]); give it a Box of as many whole numbers "
            "(gymnasium.wrappers.TransformAction)",
        ),
        (
            spaces.Box(-np.inf, np.inf, (2,), np.float32),
            np.zeros((4, 2), np.float32),
            "Box(-inf, inf, (2,), float32); give its Box the range of real actions, in its class "
            "or by TransformAction",
        ),
    ],
)
def test_actions_that_nothing_can_choose(
    space: spaces.Space[Any], actions: Any, why: str, tmp_path: Path
) -> None:
    store_buffers(NAME, buffer(actions=actions), action_space=space)
    assert refusal(tmp_path) == (
        f"actions must be Discrete or a bounded Box, this environment has {why}"
    )


@pytest.mark.parametrize(
    ("replaced", "why"),
    [
        ({"actions": np.zeros((4, 2), int)}, "its actions are (2,), those of Discrete(5) ()"),
        ({"rewards": np.array([0, np.nan, 0, 0])}, "a reward is not a finite number"),
        (
            {"terminations": np.array([0, 1, 0, 1], bool)},
            "an episode ends at its last decision, and only there",
        ),
        (
            {"terminations": np.zeros(4, bool), "truncations": np.array([0, 1, 0, 0], bool)},
            "an episode ends at its last decision, and only there",
        ),
        ({"rewards": np.zeros(3)}, "of 4 actions, but another number of: reward"),
    ],
)
def test_episodes_that_are_none(replaced: dict[str, Any], why: str, tmp_path: Path) -> None:
    store_buffers(NAME, buffer(**replaced))
    assert refusal(tmp_path) == f"episode 0: {why}"


def test_a_key_that_is_not_finite(tmp_path: Path) -> None:
    space = images("camera", speed=spaces.Box(-1, 1, (1,), np.float32))
    episode = dict_buffer(space)
    episode.observations["speed"][2] = np.nan
    store_buffers(NAME, episode, observation_space=space)
    assert refusal(tmp_path, keyed("camera")) == (
        "episode 0: the observation's speed is [nan]: not all finite numbers"
    )


@pytest.mark.parametrize("name", ["robot", "../robot-v0", "me/robot-v0/", "", "a b-v0"])
def test_what_is_no_id(name: str, tmp_path: Path) -> None:
    assert refusal(tmp_path, name=name).endswith(
        "an id reads name-v0 or folder/name-v0, of letters, digits, _ and -"
    )


def test_what_was_not_downloaded(tmp_path: Path, datasets: Path) -> None:
    assert refusal(tmp_path, name="atari/pong-v0") == (
        f"minari:atari/pong-v0 is not in {datasets}/: download it by `minari download "
        "atari/pong-v0`, or set MINARI_DATASETS_PATH to the folder that holds it"
    )


@pytest.mark.parametrize("missing", ["minari", "h5py"])
def test_without_minari(missing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, missing, None)
    assert refusal(tmp_path).endswith(f"{missing} is not installed: pip install 'worldvae[minari]'")


def harmed(datasets: Path, harm: Any) -> Path:
    play(odd(), NAME)
    path = datasets / NAME / "data" / "main_data.hdf5"
    harm(path)
    return path


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:5_000])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def lost_group(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["episode_1"]


def lost_array(path: Path) -> None:
    with h5py.File(path, "r+") as file:
        del file["episode_0/rewards"]


@pytest.mark.parametrize("harm", [cut, empty, lost_group, lost_array, Path.unlink])
def test_a_damaged_file(harm: Any, tmp_path: Path, datasets: Path) -> None:
    path = harmed(datasets, harm)
    line = refusal(tmp_path, odd_config(), is_begun=harm is lost_group)  # of the second episode
    assert line.startswith(str(path.parent))
    assert "cannot be read" in line
    assert line.endswith("; download it or make it again")


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"minari_version": "9.0"}, "does not support the dataset generated by Minari 9.0"),
        ({"action_space": None}, "its metadata lack action_space"),
        ({"worldvae": {"env": 3}}, "a note that this version of worldvae cannot read; download"),
        ({"observation_space": '{"type": "Graph"}'}, "cannot be read"),
    ],
)
def test_metadata_of_another_kind(
    changed: dict[str, Any], expected: str, tmp_path: Path, datasets: Path
) -> None:
    play(odd(), NAME)
    path = datasets / NAME / "data" / "metadata.json"
    metadata = {**json.loads(path.read_text()), **changed}
    kept = {key: value for key, value in metadata.items() if value is not None}
    path.write_text(json.dumps(kept))
    assert expected in refusal(tmp_path, odd_config())


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        ({"id": "worldvae/Dots-v0"}, "was made with env.id = tests/Odd-v0, here it is worldvae/"),
        ({"action_repeat": 2}, "was made with env.action_repeat = 1, here it is 2; set it as"),
        (
            {"frame": FrameConfig(max_pool=True)},
            "env.frame.max_pool takes those of two steps",
        ),
        (
            {"max_episode_steps": 5},
            "was made with env.max_episode_steps = null, here it is 5; set it as",
        ),
        ({"kwargs": {}}, "was made with env.kwargs = {reuse: false, spoil: false}, here it is"),
        (
            {"kwargs": {"reuse": False, "spoil": False, "length": 9}},
            "{reuse: false, spoil: false}, here it is {reuse: false, spoil: false, length: 9",
        ),
    ],
)
def test_another_task(update: dict[str, Any], expected: str, tmp_path: Path) -> None:
    play(odd(), NAME)
    assert expected in refusal(tmp_path, odd_config().model_copy(update=update))


def test_a_limit_is_that_of_the_dataset(tmp_path: Path) -> None:
    play(odd(max_episode_steps=4), NAME)
    assert refusal(tmp_path, odd_config()) == (
        f"minari:{NAME} was made with env.max_episode_steps = 4, here it is null; set it as the "
        "dataset has it, or choose another one"
    )
    env = odd_config().model_copy(update={"max_episode_steps": 4})
    assert import_dataset(NAME, tmp_path / "rollouts", env).records[0].length == 4


def test_frames_that_make_env_pooled(tmp_path: Path) -> None:
    frame = odd_config().frame.model_copy(update={"max_pool": True})
    pooled = odd_config().model_copy(update={"action_repeat": 2, "frame": frame})
    play(make_env(pooled), NAME)
    plain = pooled.model_copy(update={"frame": odd_config().frame})
    assert "max_pool: true}, here it is {height: 40" in refusal(tmp_path, plain)
    assert import_dataset(NAME, tmp_path / "rollouts", pooled).records


def test_frames_prepared_otherwise_by_make_env(tmp_path: Path) -> None:
    play(make_env(odd_config()), NAME)
    small = odd_config().model_copy(update={"frame": FrameConfig(height=32, width=32)})
    line = refusal(tmp_path, small)
    assert line.startswith(f"minari:{NAME} was made with env.frame = {{height: 40, width: 40, ")
    assert "here it is {height: 32, width: 32, " in line


def test_a_folder_that_holds_other_rollouts(tmp_path: Path) -> None:
    play(odd(), NAME)
    folder = tmp_path / "rollouts"
    RolloutStore.create(folder, odd_config())
    assert refusal(tmp_path, odd_config()) == (
        f"{folder} holds rollouts that were collected; choose another --name for those of "
        f"minari:{NAME}"
    )


def test_a_folder_that_holds_another_dataset(tmp_path: Path) -> None:
    play(odd(), NAME)
    play(odd(), "other-v0", episodes=3)
    import_dataset(NAME, tmp_path / "rollouts", odd_config())
    assert refusal(tmp_path, odd_config(), "other-v0") == (
        f"{tmp_path}/rollouts holds rollouts of minari:{NAME}, which is another dataset; choose "
        "another --name, or remove that folder"
    )


def test_a_key_that_hdf5_cannot_name(tmp_path: Path, datasets: Path) -> None:
    store = collected(tmp_path / "a", crowded(), frames=100)
    with pytest.raises(WorldvaeError) as error:
        export_dataset(store, NAME)
    assert str(error.value) == (
        f"{tmp_path}/a: HDF5 has no place for the key 'key_0/../record.npy'"
    )
    assert not list(datasets.rglob("*.hdf5"))


def test_a_store_without_episodes(tmp_path: Path) -> None:
    store = RolloutStore.create(tmp_path / "a", odd_config())
    with pytest.raises(WorldvaeError, match="a: no episodes to export"):
        export_dataset(store, NAME)
