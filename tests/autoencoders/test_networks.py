import pytest
import torch
from pydantic import ValidationError

from worldvae.autoencoders.networks import ConvDecoder, ConvEncoder, NetworkConfig

SIDES = (32, 33, 47, 63, 64, 65, 84, 96, 127, 128)


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize(("height", "width"), [*zip(SIDES, reversed(SIDES), strict=True)])
def test_any_size_comes_back(height, width, channels):
    config = NetworkConfig(latents=5, channels=(2, 3, 4, 5))
    shape = (height, width, channels)
    images = torch.rand(2, channels, height, width)
    assert ConvEncoder(shape, config, outputs=10)(images).shape == (2, 10)
    assert ConvDecoder(shape, config)(torch.rand(2, 5)).shape == images.shape


def test_five_convolutions_fit_the_smallest_frame():
    config = NetworkConfig(latents=2, channels=(2, 2, 2, 2, 2))
    assert ConvDecoder((32, 33, 3), config)(torch.rand(1, 2)).shape == (1, 3, 32, 33)
    with pytest.raises(ValidationError):
        NetworkConfig(channels=(2, 2, 2, 2, 2, 2))


def test_the_default_has_the_size_of_world_models():
    encoder = ConvEncoder((64, 64, 3), NetworkConfig(), outputs=64)
    convolutions = [layer for layer in encoder if isinstance(layer, torch.nn.Conv2d)]
    assert [layer.out_channels for layer in convolutions] == [32, 64, 128, 256]
    assert {(layer.kernel_size, layer.stride) for layer in convolutions} == {((4, 4), (2, 2))}
    assert NetworkConfig().latents == 32
