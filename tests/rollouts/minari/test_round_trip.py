"""A store that was exported and imported again is the same, to the byte."""

import json
from pathlib import Path

import gymnasium as gym
import h5py
import minari
import numpy as np
import pytest

from tests.rollouts.minari.datasets import FRAME, odd_config
from worldvae.envs import EnvConfig
from worldvae.errors import ArtifactError
from worldvae.rollouts import RolloutConfig, RolloutStore, collect
from worldvae.rollouts.minari import Credits, export_dataset, import_dataset
from worldvae.rollouts.minari.notes import array_hash

SMALL = RolloutConfig(frames=100, num_envs=3, policies={"random": 1.0, "smooth": 1.0})

CONFIGS = {
    "discrete, with state": EnvConfig(
        id="worldvae/Dots-v0", frame=FRAME, workers="sync", action_repeat=2, max_episode_steps=20
    ),
    "box": EnvConfig(
        id="worldvae/Dots-v0", frame=FRAME, workers="sync", kwargs={"continuous": True}
    ),
    "rendered": EnvConfig(id="CartPole-v1", frame=FRAME, workers="sync"),
    "from five": odd_config(actions="from five"),
    "matrix": odd_config(actions="matrix"),
    "bytes": odd_config(actions="bytes"),
    "keys": odd_config("camera", keys=["speed", "gear", "double", "rear"]),
}


def collected(folder: Path, env: EnvConfig) -> RolloutStore:
    store = RolloutStore.create(folder, env)
    collect(store, SMALL, seed=0)
    return store


def hashes(store: RolloutStore) -> list[dict[str, str]]:
    """Of each episode the hash of each of its arrays."""
    return [
        {
            name: array_hash(array)
            for name, array in {
                "frames": store.frames(record),
                **store.arrays(record),
                **store.keys(record),
            }.items()
        }
        for record in store.records
    ]


@pytest.mark.parametrize("env", CONFIGS.values(), ids=CONFIGS)
@pytest.mark.filterwarnings("ignore:.*frames. render", "ignore:.*count from 5")
def test_every_byte_comes_back(env: EnvConfig, tmp_path: Path) -> None:
    store = collected(tmp_path / "a", env)
    export_dataset(store, "mine/play-v0")
    again = import_dataset("mine/play-v0", tmp_path / "b", env)
    assert hashes(again) == hashes(store)
    assert again.records == store.records, "with numbers, splits, seeds, policies and times"
    for path in store.folder.iterdir():
        if path.name != ".lock":
            assert (again.folder / path.name).read_bytes() == path.read_bytes(), path
    assert again.state_variables == store.state_variables
    assert again.recorded_keys == store.recorded_keys
    assert (again.action_space, again.source_shape) == (store.action_space, store.source_shape)
    assert again.dataset is not None
    assert (again.dataset.id, again.dataset.whole) == ("mine/play-v0", True)


def test_minari_reads_what_was_stored(tmp_path: Path) -> None:
    env = CONFIGS["discrete, with state"]
    store = collected(tmp_path / "a", env)
    credits = Credits("Ada", "https://example.org/code/tree/1", "Dots.")
    folder = export_dataset(store, "mine/dots-v3", credits)
    dataset = minari.load_dataset("mine/dots-v3")
    assert dataset.observation_space == gym.spaces.Box(0, 255, (40, 40, 3), np.uint8)
    assert dataset.action_space == gym.spaces.Discrete(5)
    steps = sum(record.length for record in store.records)
    assert (dataset.total_episodes, dataset.total_steps) == (len(store.records), steps)
    for record, episode in zip(store.records, dataset, strict=True):
        arrays = store.arrays(record)
        assert (episode.observations == store.frames(record)).all(), "no JPEG"
        assert (episode.actions == arrays["action"]).all()
        assert (episode.rewards == arrays["reward"]).all()
        assert (episode.terminations == arrays["terminated"]).all()
        assert (episode.truncations == arrays["truncated"]).all()
        assert (episode.infos["state"] == arrays["state"]).all()
    metadata = json.loads((folder / "data/metadata.json").read_text())
    assert metadata["author"] == ["Ada"]
    assert metadata["code_permalink"] == "https://example.org/code/tree/1"
    assert (metadata["description"], metadata["algorithm_name"]) == ("Dots.", "random, smooth")
    assert metadata["jpeg_encoding"] is False
    assert minari.list_local_datasets()["mine/dots-v3"]["total_steps"] == steps
    (first,) = dataset.storage.get_episode_metadata([0])
    assert first["rewards_sum"] == pytest.approx(store.records[0].return_)


@pytest.mark.parametrize("name", ["discrete, with state", "keys"])
def test_minari_recovers_the_environment_that_was_recorded(name: str, tmp_path: Path) -> None:
    store = collected(tmp_path / "a", CONFIGS[name])
    export_dataset(store, "play-v0")
    dataset = minari.load_dataset("play-v0")
    env = dataset.recover_environment()
    observation, _ = env.reset(seed=0)
    recorded = set(dataset[0].observations) if isinstance(observation, dict) else None
    if recorded is not None:
        assert set(observation) == recorded | {"rear"}, "cameras beside the frame are not recorded"
        observation = observation["camera"]
    assert observation.shape == (40, 40, 3)
    env.close()


def test_an_environment_registered_as_a_class_is_named_in_text(tmp_path: Path) -> None:
    env = odd_config().model_copy(update={"id": "odd/Odd-v0", "import_": "tests.odd"})
    export_dataset(collected(tmp_path / "a", env), "play-v0")
    spec = minari.load_dataset("play-v0").env_spec
    assert spec is not None
    assert (spec.id, spec.entry_point) == ("odd/Odd-v0", "tests.odd:Odd")


def test_numbers_and_splits_stay_if_episodes_were_lost(tmp_path: Path) -> None:
    env = CONFIGS["discrete, with state"]
    store = collected(tmp_path / "a", env)
    store.frames_path(store.records[1]).unlink()
    with pytest.warns(UserWarning, match="damaged or missing"):
        export_dataset(store, "play-v0")
    again = import_dataset("play-v0", tmp_path / "b", env)
    assert again.records == [record for record in store.records if record.name != "000001"]


def test_an_episode_that_was_changed_since_is_told(tmp_path: Path, datasets: Path) -> None:
    env = CONFIGS["box"]
    store = collected(tmp_path / "a", env)
    export_dataset(store, "play-v0")
    with h5py.File(datasets / "play-v0/data/main_data.hdf5", "r+") as file:
        file["episode_1/observations"][2, 3, 4, 0] ^= 1
    with pytest.raises(ArtifactError) as error:
        import_dataset("play-v0", tmp_path / "b", env)
    assert str(error.value) == (
        "minari:play-v0: episode 1 is damaged; download it or make it again"
    )


def test_another_task_than_the_dataset_is_of(tmp_path: Path) -> None:
    export_dataset(collected(tmp_path / "a", CONFIGS["box"]), "play-v0")
    with pytest.raises(ArtifactError) as error:
        import_dataset("play-v0", tmp_path / "b", CONFIGS["discrete, with state"])
    assert str(error.value) == (
        "minari:play-v0 is of another task: env.kwargs is {continuous: true}, not {} as here; "
        "set it as the dataset has it, or choose another one"
    )
    assert not (tmp_path / "b").exists()


def test_a_dataset_of_that_name_stays(tmp_path: Path, datasets: Path) -> None:
    store = collected(tmp_path / "a", CONFIGS["box"])
    export_dataset(store, "mine/play-v0")
    before = (datasets / "mine/play-v0/data/metadata.json").read_bytes()
    with pytest.raises(ArtifactError) as error:
        export_dataset(store, "mine/play-v0")
    assert str(error.value) == (
        f"minari:mine/play-v0 exists already, in {datasets}/mine/play-v0; choose another id, such "
        "as the next version"
    )
    assert (datasets / "mine/play-v0/data/metadata.json").read_bytes() == before
