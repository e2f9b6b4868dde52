import copy
import dataclasses
import hashlib
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest

from worldvae.envs import EnvConfig, FrameConfig, StateVariable
from worldvae.errors import WorldvaeError
from worldvae.jsonl import append_jsonl
from worldvae.rollouts import Episode, RolloutStore, StoredFrames
from worldvae.rollouts.episode_files import PART
from worldvae.rollouts.inspect import count_duplicates, histogram, inspect_store
from worldvae.rollouts.manifest import split_of

ENV = EnvConfig(id="tests/Clock-v0", frame=FrameConfig(height=32, width=48))
VARIABLES = (
    StateVariable(name="agent.x", discrete=False),
    StateVariable(name="agent.lives", discrete=True),
)


def episode(length: int, seed: int = 0) -> Episode:
    generator = np.random.default_rng(seed)
    ended = np.arange(length) == length - 1
    return Episode(
        obs=generator.integers(0, 256, (length + 1, 32, 48, 3)).astype(np.uint8),
        action=generator.integers(0, 2, length),
        reward=generator.normal(size=length),
        terminated=ended,
        truncated=np.zeros(length, bool),
        seed=seed,
        policy="random",
        state=generator.normal(size=(length + 1, 2)),
    )


@pytest.fixture
def store(tmp_path: Path) -> RolloutStore:
    store = RolloutStore.create(tmp_path / "rollouts", ENV)
    store.describe_state(VARIABLES)
    return store


def test_every_byte_comes_back(store: RolloutStore) -> None:
    written = [episode(length, seed=length) for length in (3, 1, 7)]
    for one in written:
        store.append(one, seconds=1.5)
    read = RolloutStore(store.folder)
    assert read.env == ENV
    assert read.num_frames == 4 + 2 + 8
    assert read.env_steps == 11
    for one, record in zip(written, read.records, strict=True):
        assert (read.frames(record) == one.obs).all()
        arrays = read.arrays(record)
        assert set(arrays) == {"action", "reward", "terminated", "truncated", "state"}
        assert all((arrays[name] == value).all() for name, value in one.arrays.items())
        assert (record.length, record.terminated, record.seconds) == (len(one.action), True, 1.5)
        assert record.return_ == pytest.approx(one.reward.sum())


def test_another_process_is_given_a_store(store: RolloutStore) -> None:
    """As torch's loaders do, which begin without a copy of this process (spawn, forkserver)."""
    record = store.append(episode(3))
    store.frames(record)
    for given in (pickle.loads(pickle.dumps(store)), copy.deepcopy(store)):
        assert given.records == store.records
        assert np.array_equal(given.frames(record), store.frames(record))


def test_the_files_are_what_numpy_saves_and_have_the_hashes_of_their_records(
    store: RolloutStore, tmp_path: Path
) -> None:
    """The longest takes several parts; a flipped array is no block of memory."""
    long, short = episode(200, seed=1), episode(3, seed=2)
    flipped = dataclasses.replace(short, obs=short.obs[:, ::-1])
    for one in (long, short, flipped):
        record = store.append(one)
        np.save(tmp_path / "frames.npy", np.ascontiguousarray(one.obs))
        written = (store.folder / f"{record.name}.frames.npy").read_bytes()
        assert written == (tmp_path / "frames.npy").read_bytes()
        assert hashlib.sha256(written).hexdigest() == record.frames_sha256
        arrays = (store.folder / f"{record.name}.npz").read_bytes()
        assert hashlib.sha256(arrays).hexdigest() == record.arrays_sha256
    assert long.obs.nbytes > 2 * PART


@pytest.mark.parametrize("ending", [".frames.npy", ".npz"])
@pytest.mark.parametrize("harm", ["flip", "cut", "remove"])
def test_a_damaged_shard_is_named_and_left_out(store: RolloutStore, ending: str, harm: str) -> None:
    for seed in range(3):
        store.append(episode(5, seed))
    path = store.folder / f"000001{ending}"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    if harm == "remove":
        path.unlink()
    else:
        path.write_bytes(bytes(data) if harm == "flip" else bytes(data[:-3]))
    with pytest.warns(UserWarning, match=r"damaged or missing, and left out: 000001$"):
        healthy = RolloutStore(store.folder).healthy()
    assert [record.name for record in healthy] == ["000000", "000002"]


def test_a_torn_last_line_is_no_episode_and_is_written_over(store: RolloutStore) -> None:
    store.append(episode(5, 0))
    manifest = store.folder / "manifest.jsonl"
    manifest.write_bytes(manifest.read_bytes() + b'{"name": "0000')
    again = RolloutStore(store.folder)
    assert len(again.records) == 1
    again.append(episode(4, 1))
    assert [record.length for record in RolloutStore(store.folder).records] == [5, 4]


def test_a_line_of_another_version_is_one_line(store: RolloutStore) -> None:
    append_jsonl(store.folder / "manifest.jsonl", {"length": 3})
    with pytest.raises(WorldvaeError, match=r"manifest\.jsonl: a line has no valid name"):
        RolloutStore(store.folder)


def test_a_store_made_anew_in_the_same_place_shows_its_own_frames(store: RolloutStore) -> None:
    store.append(episode(5, 0))
    assert (store.frames(store.records[0]) == episode(5, 0).obs).all()
    shutil.rmtree(store.folder)
    again = RolloutStore.create(store.folder, ENV)
    again.describe_state(VARIABLES)
    again.append(episode(5, 1))
    assert (again.frames(again.records[0]) == episode(5, 1).obs).all()


def test_the_columns_of_the_state_are_what_they_were_at_first(store: RolloutStore) -> None:
    again = RolloutStore(store.folder)
    assert again.state_variables == VARIABLES
    again.describe_state(VARIABLES)
    lives = StateVariable(name="agent.lives", discrete=False)
    for changed, message in (
        ((VARIABLES[0], lives), "'agent.lives' was discrete, and is now continuous"),
        (VARIABLES[:1], "'agent.lives' was discrete, and is now absent"),
        ((), "'agent.x' was continuous, and is now absent"),
        ((*VARIABLES, StateVariable(name="z", discrete=True)), "'z' was absent, and is now disc"),
        (VARIABLES[::-1], "another order"),
    ):
        with pytest.raises(WorldvaeError, match=f"reader of tests/Clock-v0 has changed.*{message}"):
            again.describe_state(changed)


def test_a_state_of_another_width_is_refused(store: RolloutStore) -> None:
    wide = dataclasses.replace(episode(3), state=np.zeros((4, 3)))
    with pytest.raises(ValueError, match=r"\(4, 3\) has not the 2 columns"):
        store.append(wide)
    store.append(dataclasses.replace(episode(3), state=None))
    assert "state" not in store.arrays(store.records[0])


@pytest.mark.parametrize("shape", [(48, 32, 3), (32, 32, 3), (32, 48, 1)])
def test_frames_of_another_shape_are_refused(store: RolloutStore, shape: tuple[int, ...]) -> None:
    """Those of the same size, such as turned ones, would be read as rows that never were."""
    other = dataclasses.replace(episode(3), obs=np.zeros((4, *shape), np.uint8))
    with pytest.raises(ValueError, match=r"frames \(.*\) are not those of env\.frame, \(32,"):
        store.append(other)
    assert not store.records
    assert not list(store.folder.glob("*.npy"))


def test_a_damaged_description_of_the_state_is_one_line(store: RolloutStore) -> None:
    (store.folder / "state.json").write_text("[{")
    with pytest.raises(WorldvaeError, match=r"state\.json: damaged"):
        _ = store.state_variables


def test_an_environment_with_a_tuple_is_known_again(tmp_path: Path) -> None:
    env = EnvConfig(id="worldvae/Dots-v0", kwargs={"dot": (2, 1)})
    RolloutStore.create(tmp_path, env)
    assert not RolloutStore.create(tmp_path, env).env.other_task(env)


def test_arguments_that_no_file_holds_are_one_line() -> None:
    with pytest.raises(ValueError, match="a file has to hold them"):
        EnvConfig(kwargs={"reward": lambda step: step})


def test_frames_of_another_environment_are_refused(store: RolloutStore) -> None:
    other = ENV.model_copy(update={"frame": FrameConfig(height=32, width=48, color="gray")})
    with pytest.raises(WorldvaeError, match=r"env\.frame is 32x48 rgb.*not 32x48 gray"):
        RolloutStore.create(store.folder, other)


def test_a_folder_without_rollouts_says_how_to_make_them(tmp_path: Path) -> None:
    with pytest.raises(WorldvaeError, match=r"python -m scripts\.collect"):
        RolloutStore(tmp_path)


def test_two_writers_are_refused(store: RolloutStore) -> None:
    with store.writing(), pytest.raises(WorldvaeError, match="another"), store.writing():
        pass


def test_one_opened_before_another_wrote_goes_on_after_it(store: RolloutStore) -> None:
    late = RolloutStore(str(store.folder))
    with store.writing():
        first = store.append(episode(3))
    with late.writing():
        second = late.append(episode(4))
    assert [first.name, second.name] == ["000000", "000001"]
    assert len(RolloutStore(store.folder).healthy()) == 2


def test_an_unwritable_folder_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(WorldvaeError, match="Not a directory"):
        RolloutStore.create(tmp_path / "file" / "rollouts", ENV)


def test_a_full_disk_is_one_line_and_loses_nothing(
    store: RolloutStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.append(episode(5, 0))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(WorldvaeError, match="No space left on device"):
            store.append(episode(5, 1))
    again = RolloutStore(store.folder)
    assert [record.name for record in again.healthy()] == ["000000"]
    again.append(episode(3, 2))
    assert len(RolloutStore(store.folder).healthy()) == 2


def test_every_ten_episodes_hold_one_of_each_split() -> None:
    for block in range(20):
        splits = [split_of(10 * block + i) for i in range(10)]
        assert sorted(splits) == ["test"] + ["train"] * 8 + ["validation"]
    places = {[split_of(10 * block + i) for i in range(10)].index("test") for block in range(20)}
    assert len(places) > 4, "not always the same place"


def test_gather_equals_the_episodes_end_to_end(store: RolloutStore) -> None:
    episodes = [episode(length, seed=length) for length in range(1, 21)]
    for one in episodes:
        store.append(one)
    for split in ("train", "validation", "test"):
        source = StoredFrames(store, split)
        own = [one.obs for i, one in enumerate(episodes) if split_of(i) == split]
        expected = np.concatenate(own)
        assert len(source) == len(expected)
        indices = np.random.default_rng(0).integers(0, len(source), 50)
        assert (source.gather(indices) == expected[indices]).all()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"reward": np.zeros(3)}, "another number of: reward"),
        ({"obs": np.zeros((5, 4, 4, 3), np.uint8)}, "another number of: obs"),
        ({"terminated": np.zeros(5, bool)}, "ends at its last"),
        ({"truncated": np.ones(5, bool)}, "ends at its last"),
        ({"obs": np.zeros((6, 4, 4, 3))}, "uint8"),
        ({"action": np.zeros(0)}, "T >= 1"),
        ({"cut": True}, "was cut is one that was truncated"),
    ],
)
def test_an_ill_formed_episode_is_refused(change: dict[str, object], message: str) -> None:
    good = episode(5)
    fields = {**good.__dict__, **change}
    with pytest.raises(ValueError, match=message):
        Episode(**fields)


def test_duplicates_are_counted(store: RolloutStore) -> None:
    store.append(episode(4, 0))
    store.append(episode(4, 1))
    assert count_duplicates(store, store.records) == 0
    store.append(episode(4, 0))
    assert count_duplicates(store, store.records) == 5


def test_inspection_names_what_there_is(store: RolloutStore) -> None:
    for seed in range(12):
        store.append(episode(4, seed))
    text = inspect_store(store)
    assert "12 episodes, 60 frames, 48 environment steps" in text
    assert "duplicate frames: 0 (0.0 %)" in text
    assert "state variables: 2 agent" in text
    assert (store.folder / "contact_sheet.png").read_bytes().startswith(b"\x89PNG")


def ended(one: Episode, how: str, reward: float) -> Episode:
    last = one.terminated
    return dataclasses.replace(
        one,
        reward=np.full(len(last), reward),
        terminated=last & (how == "terminated"),
        truncated=last & (how != "terminated"),
        cut=how == "cut",
    )


def test_inspection_tells_who_ended_an_episode_and_shows_no_return_of_a_cut_one(
    store: RolloutStore,
) -> None:
    for seed, how in enumerate(["terminated", "terminated", "truncated", "cut", "cut", "cut"]):
        store.append(ended(episode(4, seed), how, reward=250.0 if how == "cut" else 1.0))
    assert [record.cut for record in RolloutStore(store.folder).records] == [False] * 3 + [True] * 3
    text = inspect_store(store)
    assert "ends: 3 cut by the collector, 2 terminated, 1 truncated by the environment" in text
    before, returns = text.split("returns (without the 3 that were cut):")
    assert sum(int(line.split()[3]) for line in returns.splitlines()[1:-1]) == 3
    assert "absent" not in before
    assert "1000" not in returns


def test_inspection_says_what_is_absent_where_every_episode_was_cut(store: RolloutStore) -> None:
    for length in (4, 7):
        store.append(ended(episode(length, length), "cut", reward=1.0))
    text = inspect_store(store)
    assert "returns: none, since every episode was cut by the collector" in text
    assert "what comes after 7 decisions is absent: raise rollouts.frames" in text
    assert "ends: 2 cut by the collector" in text


def test_histogram_by_hand() -> None:
    lines = histogram(np.array([0.0, 0.0, 1.0]), bins=2, width=4)
    assert lines[0].split() == ["0.0", "to", "0.5", "2", "####"]
    assert lines[1].split() == ["0.5", "to", "1.0", "1", "##"]


def test_a_histogram_of_close_values_tells_its_edges_apart() -> None:
    lines = histogram(np.array([-1.16, -1.03]), bins=10, width=4)
    edges = [tuple(line.split()[:3:2]) for line in lines]
    assert len(set(edges)) == 10
    assert all(low != high for low, high in edges)
