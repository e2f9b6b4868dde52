"""Windows of stored frames against a slow reference that walks through the episodes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from gymnasium import spaces
from numpy.typing import NDArray

from worldvae.envs import EnvConfig, FrameConfig
from worldvae.errors import WorldvaeError
from worldvae.rollouts import Episode, RolloutStore, StoredFrames
from worldvae.rollouts.manifest import Split, split_of

ENV = EnvConfig(id="tests/Clock-v0", frame=FrameConfig(height=32, width=48))
LENGTHS = np.random.default_rng(0).integers(1, 9, 24)
SPLITS: tuple[Split, ...] = ("train", "validation", "test")


SPACES: dict[str, spaces.Space[Any]] = {
    "discrete": spaces.Discrete(5),
    "scalar": spaces.Box(-9, 9, (), np.float64),
    "vector": spaces.Box(-9, 9, (2,)),
}


Acting = Callable[[spaces.Space[Any]], None]


def episode(actions: NDArray[Any], seed: int) -> Episode:
    """Frames of noise around `actions` (T, ...)."""
    generator, length = np.random.default_rng(seed), len(actions)
    return Episode(
        obs=generator.integers(0, 256, (length + 1, 32, 48, 3)).astype(np.uint8),
        action=actions,
        reward=np.zeros(length),
        terminated=np.arange(length) == length - 1,
        truncated=np.zeros(length, bool),
        seed=seed,
        policy="random",
    )


def numbered(length: int, seed: int) -> Episode:
    """Frame t is of grey level 100 seed + t, and action t is t."""
    made = episode(np.arange(length), seed)
    made.obs[:] = (100 * seed + np.arange(length + 1))[:, None, None, None]
    return made


def random_episodes(kind: str) -> list[Episode]:
    generator = np.random.default_rng(1)
    draw = {
        "discrete": lambda length: generator.integers(0, 5, length),
        "scalar": lambda length: generator.normal(size=length),
        "vector": lambda length: generator.normal(size=(length, 2)).astype(np.float32),
    }[kind]
    return [episode(draw(int(length)), seed) for seed, length in enumerate(LENGTHS)]


@pytest.fixture
def store(tmp_path: Path) -> RolloutStore:
    return RolloutStore.create(tmp_path / "rollouts", ENV)


def fill(store: RolloutStore, episodes: list[Episode]) -> RolloutStore:
    for one in episodes:
        store.append(one)
    return store


def levels(windows: NDArray[np.uint8]) -> list[list[int]]:
    """The grey levels of windows of numbered frames: (B, H, W, T 3) -> B lists of T."""
    shown = windows[:, 5, 7].reshape(len(windows), -1, 3)
    assert (shown == shown[..., :1]).all()
    return shown[..., 0].tolist()


def reference(
    episodes: list[Episode], split: Split, before: int, ahead: int
) -> list[tuple[int, int, NDArray[np.uint8]]]:
    """Each example as (episode, t, its window), one frame after the other."""
    examples = []
    for number, one in enumerate(episodes):
        for t in range(len(one.obs) - ahead if split_of(number) == split else 0):
            times = [max(time, 0) for time in range(t - before, t + ahead + 1)]
            window = np.concatenate([one.obs[time] for time in times], axis=-1)
            examples.append((number, t, window))
    return examples


@pytest.mark.parametrize(("before", "ahead"), [(0, 0), (2, 0), (0, 1), (3, 2), (1, 7)])
@pytest.mark.parametrize("kind", ["discrete", "scalar", "vector"])
def test_windows_and_actions_equal_the_slow_reference(
    store: RolloutStore, acting: Acting, kind: str, before: int, ahead: int
) -> None:
    acting(SPACES[kind])
    episodes = random_episodes(kind)
    fill(store, episodes)
    for split in SPLITS:
        source = StoredFrames(store, split, None, before, ahead, with_actions=True)
        expected = reference(episodes, split, before, ahead)
        assert len(source) == len(expected)
        for index in np.random.default_rng(2).permutation(len(source))[:12]:
            number, t, window = expected[index]
            own, time = source.locate(np.array([index]))
            assert (source.records[own[0]].name, time[0]) == (f"{number:06d}", t)
            np.testing.assert_array_equal(source.gather(np.array([index]))[0], window)
            taken = episodes[number].action[t : t + ahead]
            size = 2 if kind == "vector" else 1
            vectors = np.eye(5)[taken] if kind == "discrete" else taken.reshape(ahead, size)
            actions = source.actions(np.array([index]))
            assert actions is not None
            np.testing.assert_array_equal(actions[0], vectors.astype(np.float32))


def test_negative_actions_have_places_of_their_own(store: RolloutStore, acting: Acting) -> None:
    acting(spaces.Discrete(3, start=-1))
    taken = np.array([-1, 0, 1])
    episodes = [episode(taken, seed) for seed in range(10)]
    source = StoredFrames(fill(store, episodes), "train", None, 0, 1, with_actions=True)
    actions = source.actions(np.arange(3))
    assert actions is not None
    np.testing.assert_array_equal(actions[:, 0], np.eye(3))


def test_whole_numbers_are_numbers(store: RolloutStore, acting: Acting) -> None:
    """Of a type in which their range has no place, and of a range in which choices have none."""
    taken = np.array([[-100, 3], [0, 2], [100, 0]], np.int8)
    acting(spaces.Box(np.int8([-100, 0]), np.int8([100, 3]), dtype=np.int8))
    source = StoredFrames(fill(store, [episode(taken, seed=0)]), "train", None, 0, 1, True)
    actions = source.actions(np.arange(3))
    assert actions is not None
    np.testing.assert_array_equal(actions[:, 0], taken.astype(np.float32))


def test_a_batch_keeps_the_order_it_was_asked_for(store: RolloutStore, acting: Acting) -> None:
    acting(SPACES["vector"])
    source = StoredFrames(fill(store, random_episodes("vector")), "train", None, 1, 1, True)
    indices = np.random.default_rng(3).integers(0, len(source), 40)
    alone = [source.gather(indices[k : k + 1]) for k in range(40)]
    np.testing.assert_array_equal(source.gather(indices), np.concatenate(alone))
    together = source.actions(indices)
    assert together is not None
    for k in range(40):
        np.testing.assert_array_equal(source.actions(indices[k : k + 1]), together[k : k + 1])


def test_windows_by_hand(store: RolloutStore, acting: Acting) -> None:
    """Episodes 0 and 1, of 3 and 2 steps, are both of the training split."""
    acting(spaces.Discrete(3))
    assert [split_of(k) for k in (0, 1)] == ["train", "train"]
    fill(store, [numbered(3, seed=0), numbered(2, seed=1)])
    source = StoredFrames(store, "train", before=2, ahead=1, with_actions=True)
    assert levels(source.gather(np.arange(len(source)))) == [
        [0, 0, 0, 1],
        [0, 0, 1, 2],
        [0, 1, 2, 3],
        [100, 100, 100, 101],
        [100, 100, 101, 102],
    ]
    actions = source.actions(np.arange(len(source)))
    assert actions is not None
    assert actions.shape == (5, 1, 3)
    assert actions[:, 0].argmax(1).tolist() == [0, 1, 2, 0, 1]


def test_an_action_belongs_to_the_step_it_led_on_from(store: RolloutStore, acting: Acting) -> None:
    """Between frame t and frame t + 2 the actions t and t + 1 were taken."""
    acting(spaces.Discrete(4))
    source = StoredFrames(fill(store, [numbered(4, seed=0)]), "train", None, 0, 2, True)
    actions = source.actions(np.arange(3))
    assert actions is not None
    assert levels(source.gather(np.arange(3))) == [[0, 1, 2], [1, 2, 3], [2, 3, 4]]
    assert actions.argmax(2).tolist() == [[0, 1], [1, 2], [2, 3]]
    assert (actions.sum(2) == 1).all()


def test_episodes_too_short_to_look_ahead_are_left_out(store: RolloutStore, acting: Acting) -> None:
    """With 3 steps to look ahead, an episode of 3 steps holds one example and a shorter none."""
    acting(spaces.Discrete(3))
    fill(store, [numbered(2, seed=0), numbered(3, seed=1)])
    source = StoredFrames(store, "train", ahead=3, with_actions=True)
    assert [record.name for record in source.records] == ["000001"]
    assert levels(source.gather(np.arange(len(source)))) == [[100, 101, 102, 103]]
    actions = source.actions(np.arange(1))
    assert actions is not None
    assert actions.argmax(2).tolist() == [[0, 1, 2]]
    assert len(StoredFrames(store, "train", ahead=4)) == 0


def test_an_action_that_one_split_never_sees_counts_all_the_same(
    store: RolloutStore, acting: Acting
) -> None:
    """Else the splits of one store would tell a decoder vectors of different lengths."""
    acting(spaces.Discrete(7))
    rare = next(k for k in range(10) if split_of(k) == "validation")
    episodes = [episode(np.full(3, 6 if k == rare else 1), k) for k in range(10)]
    fill(store, episodes)
    for split in SPLITS:
        source = StoredFrames(store, split, None, 0, 2, with_actions=True)
        actions = source.actions(np.zeros(1, np.int64))
        assert actions is not None
        assert actions.shape == (1, 2, 7)


def test_the_choice_of_records_is_kept(store: RolloutStore, acting: Acting) -> None:
    acting(spaces.Discrete(2))
    fill(store, [numbered(2, seed=0), numbered(2, seed=1)])
    source = StoredFrames(store, "train", store.records[1:], ahead=1, with_actions=True)
    assert levels(source.gather(np.arange(len(source)))) == [[100, 101], [101, 102]]
    actions = source.actions(np.arange(2))
    assert actions is not None
    assert actions.argmax(2).tolist() == [[0], [1]]


def test_a_batch_is_a_copy(store: RolloutStore) -> None:
    source = StoredFrames(fill(store, [numbered(2, seed=0)]), "train")
    source.gather(np.arange(3))[:] = 7
    assert levels(source.gather(np.arange(3))) == [[0], [1], [2]]


@pytest.mark.parametrize(
    ("keep", "message"), [(None, "No such file"), (4_000, "not 4 frames"), (-1, "not 4 frames")]
)
def test_an_episode_damaged_after_it_was_checked_is_named(
    store: RolloutStore, keep: int | None, message: str
) -> None:
    source = StoredFrames(fill(store, [numbered(3, seed=0)]), "train")
    path = store.frames_path(store.records[0])
    if keep is None:
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(WorldvaeError, match=message):
        source.gather(np.arange(4))
