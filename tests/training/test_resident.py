"""Examples that stay on the device give the same batches as examples that are read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.autoencoders.tiny import Frames, squares
from tests.training.data import NumberExamples, Sequences
from worldvae.autoencoders.examples import FrameExamples
from worldvae.training import resident
from worldvae.training.batches import Examples, TensorBatch, shuffled_batches
from worldvae.training.resident import ResidentExamples, fits, reader
from worldvae.training.share import Share

CPU = torch.device("cpu")
ACTIONS = np.random.default_rng(0).normal(size=(50, 2, 3)).astype(np.float32)
SETS: dict[str, Examples[TensorBatch]] = {
    "frames": FrameExamples(Frames(squares(50, 0))),
    "frames and actions": FrameExamples(Frames(squares(50, 0), told=ACTIONS)),
    "sequences": Sequences(50, 0),
}
FIELDS = {
    "frames": ["frames"],
    "frames and actions": ["frames", "actions"],
    "sequences": ["latents", "mask"],
}


@pytest.mark.parametrize("share", [Share(), Share(1, 2)])
@pytest.mark.parametrize("name", SETS)
def test_resident_batches_are_the_streamed_ones_to_the_bit(
    name: str, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident, "CHUNK", 7)
    examples = SETS[name]
    streamed = shuffled_batches(examples, 8, 3, 2, share)
    gathered = shuffled_batches(examples, 8, 3, 2, share, ResidentExamples(examples, CPU))
    for _ in range(13):  # into the third epoch
        mine, theirs = next(gathered), next(streamed)
        assert mine.share == theirs.share == share
        assert [*mine.tensors()] == [*theirs.tensors()] == FIELDS[name]
        for part in FIELDS[name]:
            assert torch.equal(mine.tensors()[part], theirs.tensors()[part])
    gathered.close()
    streamed.close()


def test_examples_are_resident_if_they_take_at_most_half_of_what_is_free() -> None:
    one = FrameExamples(Frames(np.zeros((10, 4, 5, 3), np.uint8))).read(np.zeros(1, np.int64))
    assert fits(one, 10, 2 * 10 * 4 * 5 * 3)
    assert not fits(one, 10, 2 * 10 * 4 * 5 * 3 - 1)


def test_the_memory_of_sequences_is_that_of_all_their_tensors() -> None:
    one = Sequences(5, 0).read(np.zeros(1, np.int64))
    size = 6 * 3 * 4 + 6  # six latents of three float32, six booleans
    assert fits(one, 5, 2 * 5 * size)
    assert not fits(one, 5, 2 * 5 * size - 1)


def test_on_the_cpu_examples_are_read() -> None:
    frames = squares(5, 0)
    read = reader(FrameExamples(Frames(frames)), CPU)
    assert not isinstance(read, ResidentExamples)
    assert torch.equal(read(np.array([3, 1])).frames, torch.from_numpy(frames[[3, 1]]))


@pytest.mark.parametrize(
    ("examples", "free", "is_resident"),
    [
        (FrameExamples(Frames(squares(5, 0))), 10**9, True),
        (FrameExamples(Frames(squares(5, 0))), 1_000, False),
        (NumberExamples(1, 2, 3), 10**9, False),
    ],
)
def test_a_gpu_keeps_what_fits_and_has_tensors(
    examples: Examples[TensorBatch],
    free: int,
    is_resident: bool,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Without a GPU: what it would be asked, and where the examples would go."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 2 * free))
    kept: list[torch.device] = []
    monkeypatch.setattr(resident, "ResidentExamples", lambda _, device: kept.append(device))
    reader(examples, torch.device("cuda"))
    assert bool(kept) == is_resident
