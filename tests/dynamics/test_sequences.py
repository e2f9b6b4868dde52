"""Windows whose numbers are computed by hand; nothing of another episode, nothing after an end."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from gymnasium import spaces

from tests.dynamics.stores import SPACE, ReadingEncoder, fill, numbers_of
from worldvae.dynamics.codes import EncodedRollouts, encode_rollouts
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.dynamics.key_units import measure_keys
from worldvae.dynamics.sequences import Sequences
from worldvae.errors import WorldvaeError
from worldvae.fingerprint import Fingerprint
from worldvae.json_files import JsonFile
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.episode_files import EpisodeFiles
from worldvae.rollouts.manifest import Split
from worldvae.training.resident import ResidentExamples

UNITS = (KeyUnits(name="speed", mean=(1.0, -2.0), std=(2.0, 4.0)),)
FIRST, SECOND = numbers_of("train", 10)[:2]


def encoded(folder: Path, lengths: list[int], **how: Any) -> EncodedRollouts:
    store = fill(folder / "rollouts", lengths, **how)
    return encode_rollouts(store, ReadingEncoder(), "e" * 64, folder / "codes")  # type: ignore[arg-type]


def lengths(**of_train: int) -> list[int]:
    """Ten episodes of one decision, but the first and second of the training split."""
    found = [1] * 10
    found[FIRST], found[SECOND] = of_train["first"], of_train["second"]
    return found


def sequences(
    folder: Path, window: int, keys: tuple[KeyUnits, ...] = (), split: Split = "train", **how: Any
) -> Sequences:
    data = encoded(folder, lengths(first=6, second=2), speed=bool(keys), **how)
    return Sequences(data, split, SPACE, keys, window)


def test_windows_are_what_was_played(tmp_path: Path) -> None:
    """An episode of 6 decisions in windows of 4: they begin at 0, 2 and 4."""
    windows = sequences(tmp_path, 4, UNITS)
    batch = windows.read(np.array([2, 0, 1]))
    assert batch.mean.dtype == batch.deviation.dtype == batch.actions.dtype == torch.float32
    assert batch.rewards.dtype == torch.float32
    # Red is the time, green the episode; the frame after the end is black.
    assert batch.mean[..., 0].tolist() == [[4, 5, 0, 0, 0], [0, 1, 2, 3, 4], [2, 3, 4, 5, 0]]
    assert batch.mean[1, :, 1].tolist() == [FIRST] * 5
    speed = [[(t - 1) / 2, (-2 * t + 2) / 4] for t in (2, 3, 4, 5, 6)]
    assert batch.mean[2, :, 2:].tolist() == speed
    assert batch.mean[0, 3:].abs().sum() == 0
    assert batch.deviation[1].tolist() == [[pytest.approx(0.1), 7, 0, 0]] * 5
    assert batch.rewards.tolist() == [
        [100 * FIRST + t if t < 6 else 0 for t in row]
        for row in ([4, 5, 6, 7], [0, 1, 2, 3], [2, 3, 4, 5])
    ]
    identity = np.eye(3).tolist()
    assert batch.actions[1].tolist() == [identity[t % 3] for t in (0, 1, 2, 3)]
    assert batch.actions[0].tolist() == [identity[1], identity[2], [0] * 3, [0] * 3]
    assert batch.valid.tolist() == [[True, True, False, False], [True] * 4, [True] * 4]
    assert batch.terminated.tolist() == [
        [False, True, False, False],
        [False] * 4,
        [False] * 3 + [True],
    ]


def test_the_frame_after_an_end_is_no_target_and_that_after_a_truncation_is(tmp_path: Path) -> None:
    ended = sequences(tmp_path / "a", 4).read(np.arange(3))
    ends = [number != FIRST for number in range(10)]
    cut = sequences(tmp_path / "b", 4, ends=ends).read(np.arange(3))
    assert ended.targets.tolist() == [[True] * 4, [True] * 3 + [False], [True] + [False] * 3]
    assert cut.targets.tolist() == [[True] * 4, [True] * 4, [True] * 2 + [False] * 2]
    assert not cut.terminated.any()
    assert ended.mean[:, 1:][ended.targets].sum(-1).min() > 0, "a target is never black"
    assert cut.mean[2, 2].tolist() == [6, FIRST], "the last frame of a truncated episode"


def test_an_episode_shorter_than_half_a_window_is_one_padded_window(tmp_path: Path) -> None:
    windows = sequences(tmp_path, 4)
    owners, starts = windows.locate(np.array([3]))
    assert windows.records[owners[0]].length == 2
    batch = windows.read(np.array([3]))
    assert starts.tolist() == [0]
    assert batch.valid.tolist() == [[True, True, False, False]]
    assert batch.mean[0].tolist() == [[0, SECOND], [1, SECOND], [0, 0], [0, 0], [0, 0]]


@pytest.mark.parametrize(
    ("window", "stride"), [(4, None), (5, None), (6, 2), (7, 7), (3, 1), (2, 1)]
)
def test_how_often_a_decision_is_read_does_not_depend_on_the_end(
    tmp_path: Path, window: int, stride: int | None
) -> None:
    """Otherwise ends would be learned at another rate than they have."""
    data = encoded(tmp_path, [*range(1, 25)])
    windows = Sequences(data, "train", SPACE, (), window, stride)
    batch = windows.read(np.arange(len(windows)))
    counts = {}
    for reward, valid in zip(batch.rewards.flatten(), batch.valid.flatten(), strict=True):
        if valid:
            counts[float(reward)] = counts.get(float(reward), 0) + 1
    assert set(counts) == {
        100.0 * number + time for number in numbers_of("train", 24) for time in range(number + 1)
    }, "every decision is read"
    step = stride or window // 2
    for reward, count in counts.items():
        time = int(reward) % 100
        assert count == sum(time - window < start <= time for start in range(0, 100, step))
    assert batch.terminated.sum() == sum(
        counts[101.0 * number] for number in numbers_of("train", 24)
    )


def test_no_window_holds_two_episodes_and_no_split_another(tmp_path: Path) -> None:
    data = encoded(tmp_path, [5 + number for number in range(20)])
    seen: dict[str, set[float]] = {}
    for split in ("train", "validation", "test"):
        windows = Sequences(data, split, SPACE, (), 6)  # type: ignore[arg-type]
        batch = windows.read(np.arange(len(windows)))
        owners = torch.where(batch.valid, batch.rewards.div(100).floor(), torch.nan)
        for row in owners:
            assert len(set(row[~row.isnan()].tolist())) == 1
        seen[split] = set(owners[~owners.isnan()].tolist())
        assert seen[split] == set(numbers_of(split, 20))


def test_a_store_of_one_tiny_episode(tmp_path: Path) -> None:
    data = encoded(tmp_path, [1])
    splits: tuple[Split, ...] = ("train", "validation", "test")
    sizes = {split: len(Sequences(data, split, SPACE, (), 32)) for split in splits}
    assert sorted(sizes.values()) == [0, 0, 1]
    (own,) = (split for split in splits if 0 in numbers_of(split, 1))
    batch = Sequences(data, own, SPACE, (), 32).read(np.zeros(1, np.int64))
    assert batch.mean.shape == (1, 33, 2)
    assert (batch.valid.sum(), batch.terminated.sum(), batch.targets.sum()) == (1, 1, 0)


def test_actions_of_a_box_are_scaled(tmp_path: Path) -> None:
    """Also those of a matrix of whole numbers, as the environment takes and rollouts store it."""
    space = spaces.Box(np.array([[0, -10]]), np.array([[4, 10]]), dtype=np.int16)
    data = encoded(tmp_path, lengths(first=6, second=2))
    taken = np.array([[[t, 10 - 4 * t]] for t in (0, 1, 2, 3, 4, 4)], np.int16)

    class Store(RolloutStore):
        def read(self, record: Any) -> Any:
            arrays, keys = super().read(record)
            return {**arrays, "action": taken[: record.length]}, keys

    data.store = Store(data.store.folder)
    windows = Sequences(data, "train", space, (), 4)
    assert windows.actions.size == 2
    assert windows.read(np.zeros(1, np.int64)).actions[0].tolist() == pytest.approx(
        np.array([[-1, 1], [-0.5, 0.6], [0, 0.2], [0.5, -0.2]])
    )


def test_the_arrays_of_an_episode_are_read_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also beside keys, which lie in the same file and are described in one of the store's."""
    opened = list[str]()

    def noted(own: Any) -> Any:
        return lambda self, *args: (opened.append(self.name), own(self, *args))[1]

    for kind in (EpisodeFiles, JsonFile):
        monkeypatch.setattr(kind, "read", noted(kind.read))
    data = encoded(tmp_path, lengths(first=6, second=2), speed=True)
    opened.clear()
    windows = Sequences(data, "train", SPACE, UNITS, 4)
    assert sorted(opened) == sorted(record.name for record in windows.records)


def test_an_episode_comes_as_a_whole(tmp_path: Path) -> None:
    windows = sequences(tmp_path, 4, UNITS)
    batch, whole = windows.read(np.array([0])), windows.episode(0)
    assert whole.codes.shape == whole.deviation.shape == (7, 4)
    assert (whole.actions.shape, whole.rewards.shape, whole.terminated) == ((6, 3), (6,), True)
    assert (torch.from_numpy(whole.codes[:5]) == batch.mean[0]).all()
    assert (torch.from_numpy(whole.deviation[:5]) == batch.deviation[0]).all()
    assert (torch.from_numpy(whole.actions[:4]) == batch.actions[0]).all()
    assert (torch.from_numpy(whole.rewards[:4]) == batch.rewards[0]).all()


def test_a_batch_reads_its_own_rows_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worldvae.dynamics.codes.SHARD", 8)
    data = encoded(tmp_path, [7] * 10)
    opened: list[str] = []
    real = data._open

    def counted(path: Path) -> Any:
        opened.append(path.name)
        return real(path)

    monkeypatch.setattr(data, "_open", counted)
    windows = Sequences(data, "train", SPACE, (), 4)
    assert opened == [], "nothing is read before a batch asks for it"
    batch = windows.read(np.zeros(2, np.int64))
    assert len(opened) == 2
    assert len(set(opened)) == 1
    assert batch.mean.untyped_storage().nbytes() == 2 * 5 * 2 * 4


def test_all_of_them_fit_into_a_batch_that_stays(tmp_path: Path) -> None:
    windows = sequences(tmp_path, 4, UNITS)
    resident = ResidentExamples(windows, torch.device("cpu"))
    chosen = np.array([3, 1, 3])
    for name, part in resident(chosen).tensors().items():
        assert (part == windows.read(chosen).tensors()[name]).all(), name


def test_another_encoder_window_or_data_is_another_set(tmp_path: Path) -> None:
    data = encoded(tmp_path / "a", lengths(first=6, second=2))

    def identity(data: EncodedRollouts = data, window: int = 4, **how: Any) -> Any:
        return Sequences(data, "train", SPACE, (), window, **how).identity

    assert identity() == identity()
    other = encoded(tmp_path / "b", lengths(first=6, second=2), ends=[False] * 10)
    encoder = EncodedRollouts(data.store, data.records, "f" * 64, 2, data._places)
    for changed in (identity(other), identity(encoder), identity(window=6), identity(stride=1)):
        assert changed != identity()
    assert identity(stride=4) != identity(stride=5), "as many windows, which begin elsewhere"


def test_keys_are_measured_without_what_is_shown_after_an_end(tmp_path: Path) -> None:
    store = fill(tmp_path / "a", [3, 3], ends=[True, False], speed=True)
    (units,) = measure_keys(store, store.records)
    times = np.array([0, 1, 2, 0, 1, 2, 3])
    assert (units.name, units.size) == ("speed", 2)
    assert units.mean == pytest.approx((times.mean(), -2 * times.mean()))
    assert units.std == pytest.approx((times.std(), 2 * times.std()))
    motionless = fill(tmp_path / "b", [1], speed=True)
    (still,) = measure_keys(motionless, motionless.records)
    assert still.std == (1.0, 1.0), "what never changes is only centred"
    assert measure_keys(fill(tmp_path / "c", [3]), []) == ()
    with pytest.raises(WorldvaeError, match="no training episode to measure the keys by"):
        measure_keys(store, [])


@pytest.mark.parametrize("unit", [1e-12, 1e-6, 1.0, 1e12])
def test_keys_are_measured_in_whatever_units_they_are(tmp_path: Path, unit: float) -> None:
    class Store(RolloutStore):
        def keys(self, record: Any) -> Any:
            return {name: (unit * all_).astype(np.float32) for name, all_ in known(record).items()}

    plain = fill(tmp_path, [3, 3], speed=True)
    known = plain.keys
    (expected,), (units,) = (measure_keys(one, plain.records) for one in (plain, Store(tmp_path)))
    assert units.std == pytest.approx([unit * std for std in expected.std], abs=0, rel=1e-6)


def test_rounding_of_what_never_changes_is_no_unit(tmp_path: Path) -> None:
    class Store(RolloutStore):
        def keys(self, record: Any) -> Any:
            at = np.arange(record.length + 1) % 2
            return {"speed": np.float32(7e-9) + at[:, None] * np.spacing(np.float32(7e-9))}

    store = Store(fill(tmp_path, [3], speed=True).folder)
    (units,) = measure_keys(store, store.records)
    assert units.std == (1.0,)


@pytest.mark.parametrize("number", [np.nan, np.inf, 3e38])
def test_keys_that_are_no_numbers_are_one_line(tmp_path: Path, number: float) -> None:
    class Store(RolloutStore):
        def keys(self, record: Any) -> Any:
            return {"speed": np.array([[0, number]] * (record.length + 1), np.float32)}

    store = Store(fill(tmp_path, [3], speed=True).folder)
    with pytest.raises(WorldvaeError) as caught:
        measure_keys(store, store.records)
    assert str(caught.value) == (
        f"{tmp_path}: the key speed is not always a number of at most 1e+18; collect into another "
        "folder once the environment shows one"
    )


def test_a_reward_that_is_no_number_is_one_line(tmp_path: Path) -> None:
    data = encoded(tmp_path, lengths(first=6, second=2))
    record = next(one for one in data.records if one.split == "train" and one.length == 2)

    class Store(RolloutStore):
        def read(self, asked: Any) -> Any:
            arrays, keys = super().read(asked)
            worst = np.where(asked.name == record.name, np.inf, arrays["reward"])
            return {**arrays, "reward": worst}, keys

    data.store = Store(data.store.folder)
    with pytest.raises(WorldvaeError) as caught:
        Sequences(data, "train", SPACE, (), 4)
    assert str(caught.value) == (
        f"{data.store.folder}: episode {record.name} has a reward of inf, which no dynamics can "
        "predict; mend the environment and collect into another folder"
    )


def test_the_identity_survives_its_file(tmp_path: Path) -> None:
    """Numbers of any size, so that a run goes on."""
    units = (KeyUnits(name="speed", mean=(1e-5, -3e17), std=(1 / 3, 1e-300)),)
    made = Fingerprint({"train": sequences(tmp_path, 4, units).identity})
    made.write(tmp_path / "made_with.yaml")
    made.check_file(tmp_path / "made_with.yaml")


@pytest.mark.parametrize(("window", "chunk"), [(4, 100), (4, 2), (1, 3), (20, 100)])
def test_events_and_keys_are_those_of_all_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, window: int, chunk: int
) -> None:
    monkeypatch.setattr("worldvae.dynamics.sequences.CHUNK", chunk)
    windows = sequences(tmp_path, window, UNITS, ends=[k % 2 == 0 for k in range(10)])
    batch = windows.read(np.arange(len(windows)))
    rewards, ends = windows.events()
    assert rewards.tolist() == batch.rewards[batch.valid].tolist()
    assert ends.tolist() == batch.terminated[batch.valid].tolist()
    assert ends.any()
    changes = (batch.mean[:, 1:] - batch.mean[:, :-1])[batch.targets]
    for number in (2, 3):
        assert set(windows.key_changes(number)) == set(changes[:, number].numpy())
    # Each decision once: all but those that end an episode.
    ended = sum(record.terminated for record in windows.records)
    decisions = sum(record.length for record in windows.records)
    assert len(windows.key_changes(2)) == decisions - ended
