"""Frames that stay on the device give the same batches as frames that come from the disk."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from tests.autoencoders.tiny import Frames, squares
from worldvae.autoencoders.pixels import shuffled_batches
from worldvae.training import resident
from worldvae.training.resident import ResidentFrames, fits, reader
from worldvae.training.share import Share

CPU = torch.device("cpu")


@pytest.mark.parametrize("share", [Share(), Share(1, 2)])
@pytest.mark.parametrize("told", [True, False])
def test_resident_batches_are_the_streamed_ones_to_the_bit(
    told: bool, share: Share, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resident, "CHUNK", 7)
    actions = np.random.default_rng(0).normal(size=(50, 2, 3)).astype(np.float32)
    source = Frames(squares(50, 0), told=actions if told else None)
    streamed = shuffled_batches(source, 8, 3, 2, share)
    gathered = shuffled_batches(source, 8, 3, 2, share, ResidentFrames(source, CPU))
    for _ in range(13):  # into the third epoch
        mine, theirs = next(gathered), next(streamed)
        assert torch.equal(mine.frames, theirs.frames)
        assert mine.share == theirs.share == share
        if told:
            assert mine.actions is not None
            assert theirs.actions is not None
            assert torch.equal(mine.actions, theirs.actions)
        else:
            assert mine.actions is theirs.actions is None
    gathered.close()
    streamed.close()


def test_frames_are_resident_if_they_take_at_most_half_of_what_is_free() -> None:
    source = Frames(np.zeros((10, 4, 5, 3), np.uint8))
    assert fits(source, 2 * 10 * 4 * 5 * 3)
    assert not fits(source, 2 * 10 * 4 * 5 * 3 - 1)


def test_on_the_cpu_frames_are_streamed() -> None:
    source = Frames(squares(5, 0))
    read = reader(source, CPU)
    assert not isinstance(read, ResidentFrames)
    assert torch.equal(read(np.array([3, 1])).frames, torch.from_numpy(source.frames[[3, 1]]))


@pytest.mark.parametrize(("free", "is_resident"), [(10**9, True), (1_000, False)])
def test_a_gpu_keeps_what_fits(
    free: int, is_resident: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a GPU: what it would be asked, and where the frames would go."""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (free, 2 * free))
    kept: list[torch.device] = []
    monkeypatch.setattr(resident, "ResidentFrames", lambda source, device: kept.append(device))
    reader(Frames(squares(5, 0)), torch.device("cuda"))
    assert bool(kept) == is_resident
