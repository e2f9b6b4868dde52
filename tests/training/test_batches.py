"""Which examples make a batch, and how a batch of any tensors travels."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.training.data import NumberExamples, SequenceBatch
from worldvae.errors import WorldvaeError
from worldvae.training.batches import check_not_empty, even_batches, shuffled_batches
from worldvae.training.share import Share

TEN = NumberExamples(*range(10))


def test_every_epoch_shows_each_example_once() -> None:
    batches = shuffled_batches(TEN, 4, seed=0, first=0)
    epochs = torch.cat([next(batches).values for _ in range(5)]).reshape(2, 10)
    batches.close()
    assert epochs.sort(1).values.tolist() == [list(range(10))] * 2
    assert epochs[0].tolist() != epochs[1].tolist()


def test_a_batch_depends_on_its_step_alone() -> None:
    late, early = (shuffled_batches(TEN, 4, 0, first) for first in (3, 0))
    expected = [next(early).values for _ in range(5)][3:]
    assert [torch.equal(next(late).values, batch) for batch in expected] == [True, True]
    other = shuffled_batches(TEN, 4, 1, 3)
    assert not torch.equal(next(other).values, expected[0])
    for batches in (late, early, other):
        batches.close()


def test_a_batch_may_be_larger_than_the_data() -> None:
    batches = shuffled_batches(NumberExamples(0, 1, 2), 8, 0, 0)
    assert np.bincount(next(batches).values.int()).tolist() in ([3, 3, 2], [3, 2, 3], [2, 3, 3])
    batches.close()


def test_shares_of_a_batch_are_its_rows() -> None:
    parts = [shuffled_batches(TEN, 6, 5, 1, share) for share in (Share(), Share(0, 2), Share(1, 2))]
    whole, first, second = (next(part).values.tolist() for part in parts)
    assert whole == first + second
    for part in parts:
        part.close()


def test_evaluation_examples_are_spread_over_the_set() -> None:
    batches = list(even_batches(NumberExamples(*range(11)), 4, limit=6))
    assert [len(batch) for batch in batches] == [4, 2]
    assert torch.cat([batch.values for batch in batches]).tolist() == [0, 2, 4, 6, 8, 10]
    assert sum(len(batch) for batch in even_batches(TEN, 3, limit=100)) == 10


def test_an_empty_split_is_named() -> None:
    with pytest.raises(WorldvaeError, match="validation split holds no examples; collect"):
        check_not_empty(NumberExamples(), "validation")


def test_a_batch_of_tensors_changes_all_of_them() -> None:
    batch = SequenceBatch(torch.ones(4, 3, 2), torch.tensor([[True] * 3] * 4))
    assert len(batch) == 4
    assert list(batch.tensors()) == ["latents", "mask"]
    half = batch.each(lambda part: part[:2]).of_share(Share(1, 2))
    assert (len(half), half.share) == (2, Share(1, 2))
    assert half.to(torch.device("cpu")).mask.shape == (2, 3)
    assert batch.to(torch.device("meta")).latents.device.type == "meta"
