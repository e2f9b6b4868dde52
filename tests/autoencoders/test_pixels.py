import numpy as np
import pytest
import torch

from tests.autoencoders.tiny import Frames
from worldvae.autoencoders.pixels import (
    Window,
    check_not_empty,
    frame_batches,
    shuffled_batches,
    to_float,
    to_uint8,
)
from worldvae.errors import WorldvaeError


def test_all_256_levels_survive_the_round_trip():
    frames = torch.arange(256, dtype=torch.uint8).reshape(2, 8, 16, 1)
    images = to_float(frames)
    assert images.shape == (2, 1, 8, 16)
    assert (images.min(), images.max()) == (0, 1)
    assert torch.equal(to_uint8(images), frames)


def test_float_images_are_channels_last_and_in_place():
    frames = torch.randint(0, 256, (2, 4, 5, 3), dtype=torch.uint8)
    images = to_float(frames)
    assert images.is_contiguous(memory_format=torch.channels_last)
    assert images[1, 2, 3, 4] == frames[1, 3, 4, 2] / 255


def test_decoded_values_are_rounded_and_clipped():
    images = torch.tensor([-0.1, 0.5 / 255, 0.6 / 255, 1.2]).reshape(1, 1, 2, 2)
    assert to_uint8(images).flatten().tolist() == [0, 0, 1, 255]


def numbered(count):
    return Frames(np.arange(count, dtype=np.uint8).reshape(-1, 1, 1, 1))


def test_every_epoch_shows_each_frame_once():
    batches = shuffled_batches(numbered(10), 4, seed=0, first=0)
    epochs = torch.cat([next(batches).frames for _ in range(5)]).flatten().reshape(2, 10)
    batches.close()
    assert epochs.sort(1).values.tolist() == [list(range(10))] * 2
    assert epochs[0].tolist() != epochs[1].tolist()


def test_a_batch_depends_on_its_step_alone():
    late, early = (shuffled_batches(numbered(10), 4, 0, first) for first in (3, 0))
    expected = [next(early).frames for _ in range(5)][3:]
    assert [torch.equal(next(late).frames, batch) for batch in expected] == [True, True]
    other = shuffled_batches(numbered(10), 4, 1, 3)
    assert not torch.equal(next(other).frames, expected[0])
    for batches in (late, early, other):
        batches.close()


def test_a_batch_may_be_larger_than_the_data():
    batches = shuffled_batches(numbered(3), 8, 0, 0)
    assert np.bincount(next(batches).frames.flatten()).max() == 3
    batches.close()


def test_evaluation_frames_are_spread_over_the_source():
    batches = list(frame_batches(numbered(11), 4, limit=6))
    assert torch.cat([batch.frames for batch in batches]).flatten().tolist() == [0, 2, 4, 6, 8, 10]
    assert sum(len(batch) for batch in frame_batches(numbered(3), 2, limit=100)) == 3


def test_an_empty_split_is_named():
    with pytest.raises(WorldvaeError, match="validation split holds no frames; collect"):
        check_not_empty(numbered(0), "validation")


@pytest.mark.parametrize("tensors", [True, False])
@pytest.mark.parametrize("with_previous", [True, False])
@pytest.mark.parametrize("ahead", [0, 1, 2])
@pytest.mark.parametrize("stack", [1, 2, 3])
def test_a_window_is_cut_into_input_target_and_the_one_before(stack, ahead, with_previous, tensors):
    """Two channels of frame t hold t and t + 0.5; the newest input is frame `before`."""
    window = Window(stack, ahead, with_previous)
    before = max(stack - 1, int(with_previous and not ahead))
    assert (window.before, window.length) == (before, before + 1 + ahead)
    row = np.arange(2 * window.length) / 2
    frames = np.broadcast_to(row, (3, 4, 5, len(row)))
    frames = torch.from_numpy(frames.copy()) if tensors else frames

    def shown(part):
        assert isinstance(part, type(frames))
        assert part.shape[:3] == (3, 4, 5)
        return part[2, 3, 4, ::2].tolist()

    newest = before
    assert shown(window.inputs(frames)) == list(range(newest - stack + 1, newest + 1))
    assert shown(window.target(frames)) == [newest + ahead]
    if with_previous or ahead or stack > 1:
        assert shown(window.previous(frames)) == [newest + ahead - 1]


def test_batches_carry_the_actions_of_their_examples():
    told = np.arange(10, dtype=np.float32).reshape(10, 1, 1)
    source = Frames(np.arange(10, dtype=np.uint8).reshape(-1, 1, 1, 1), told=told)
    shuffled = shuffled_batches(source, 4, seed=0, first=0)
    for batch in (next(shuffled), *frame_batches(source, 3, limit=7)):
        assert torch.equal(batch.actions.flatten(), batch.frames.flatten().float())
        assert torch.equal(batch.to(torch.device("cpu")).actions, batch.actions)
    shuffled.close()
