import numpy as np
import pytest
import torch

from worldvae.autoencoders.pixels import to_float, to_uint8
from worldvae.autoencoders.window import Window


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
