"""Two stores as one source, against each of them alone."""

from pathlib import Path

import numpy as np
import pytest
from gymnasium import spaces

from tests.rollouts.test_batches import ENV, Acting, episode, fill, numbered
from worldvae.rollouts import JoinedFrames, RolloutStore, StoredFrames


def parts(tmp_path: Path, before: int = 0) -> list[StoredFrames]:
    stores = [RolloutStore.create(tmp_path / name, ENV) for name in ("old", "new")]
    for number, store in enumerate(stores):
        fill(store, [numbered(4, 3 * number + own) for own in range(12)])
    return [StoredFrames(store, "train", before=before) for store in stores]


@pytest.mark.parametrize("before", [0, 2])
def test_examples_are_those_of_the_parts_in_any_order(tmp_path: Path, before: int) -> None:
    first, second = parts(tmp_path, before)
    joined = JoinedFrames([first, second])
    assert len(joined) == len(first) + len(second)
    order = np.random.default_rng(0).permutation(len(joined))
    everything = [part.gather(np.arange(len(part))) for part in (first, second)]
    assert np.array_equal(joined.gather(order), np.concatenate(everything)[order])
    assert joined.actions(order) is None


def test_an_empty_part_is_none(tmp_path: Path) -> None:
    first, _ = parts(tmp_path)
    empty = StoredFrames(RolloutStore.create(tmp_path / "empty", ENV), "train")
    joined = JoinedFrames([empty, first])
    assert len(joined) == len(first)
    assert np.array_equal(joined.gather(np.array([3, 0])), first.gather(np.array([3, 0])))


def test_actions_that_one_part_never_took_are_zero_there(tmp_path: Path, acting: Acting) -> None:
    acting(spaces.Discrete(5))
    sources = []
    for name, most in (("few", 2), ("many", 5)):
        store = RolloutStore.create(tmp_path / name, ENV)
        fill(store, [episode(np.arange(6) % most, seed) for seed in range(12)])
        sources.append(StoredFrames(store, "train", ahead=1, with_actions=True))
    joined = JoinedFrames(sources)
    taken = joined.actions(np.arange(len(joined)))
    assert taken is not None
    assert taken.shape == (len(joined), 1, 5)
    assert (taken.sum((1, 2)) == 1).all()
    assert (taken[: len(sources[0]), :, 2:] == 0).all()
    alone = joined.actions(np.arange(3))
    assert alone is not None
    assert alone.shape == (3, 1, 5)


def test_of_no_examples_there_are_none_of_their_shape(tmp_path: Path, acting: Acting) -> None:
    acting(spaces.Discrete(5))
    stores = [RolloutStore.create(tmp_path / name, ENV) for name in ("full", "empty")]
    fill(stores[0], [episode(np.arange(6) % 5, seed) for seed in range(12)])
    full, empty = (
        StoredFrames(store, "train", before=1, ahead=1, with_actions=True) for store in stores
    )
    for source in (full, empty, JoinedFrames([full, full]), JoinedFrames([empty, empty])):
        assert source.gather(np.arange(0)).shape == (0, 32, 48, 9)
        actions = source.actions(np.arange(0))
        assert actions is not None
        assert actions.shape == (0, 1, 5)
        assert actions.dtype == np.float32
