"""The loss and its gradients against the formulas written out plainly, in contiguous memory."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from tests.autoencoders.tiny import SHAPE, Frames, squares, tiny
from worldvae.autoencoders.examples import FrameBatch
from worldvae.autoencoders.model import Autoencoder

FRAMES = squares(6, 0)
STEP = 3

CASES = {
    "plain": {"beta": 3},
    "free bits": {"name": "vae", "free_bits": 0.1},
    "learned sigma": {"sigma": "learned"},
    "standardised": {"standardise": True, "sigma": 0.4},
    "standardised and learned": {"standardise": True, "sigma": "learned"},
    "bernoulli": {"likelihood": "bernoulli"},
    "moving": {"motion_weight": 2.0},
    "moving in units": {"motion_weight": 2.0, "standardise": True},
    "next frame": {"predict": 1, "name": "capacity_vae", "capacity": 4, "capacity_steps": 9},
}


def network(weights: dict[str, Tensor], codes: Tensor, part: str) -> Tensor:
    """Encoder or decoder by torch's functions: convolutions, a dense layer, ReLUs between."""
    names = [name.removesuffix(".weight") for name in weights if name.endswith(".weight")]
    for name in (name for name in names if name.startswith(part)):
        weight, bias = weights[f"{name}.weight"], weights[f"{name}.bias"]
        if part == "encoder" and weight.ndim == 4:
            codes = functional.conv2d(codes, weight, bias, stride=2, padding=1).relu()
        elif part == "encoder":
            codes = functional.linear(codes.flatten(1), weight, bias)
        elif weight.ndim == 2:
            codes = functional.linear(codes, weight, bias).reshape(len(codes), 16, 8, 9)
        else:
            codes = functional.conv_transpose2d(codes.relu(), weight, bias, stride=2, padding=1)
    return codes


def reference(model: Autoencoder, weights: dict[str, Tensor], frames: Tensor, seed: int) -> Tensor:
    """The loss of the cases above, step by step."""
    pixels, window = model.config.pixels, model.config.window
    images = frames.permute(0, 3, 1, 2).contiguous().float() / 255
    slots = [images[:, 3 * k : 3 * k + 3] for k in range(window.length)]
    shown, target = slots[window.before], slots[-1]
    mean, std = model.pixel_mean.contiguous(), model.pixel_std.contiguous()
    if pixels.standardise:
        shown = (shown - mean) / std
    centre, logvar = network(weights, shown, "encoder").chunk(2, dim=1)
    logvar = 5 - torch.log(1 + torch.exp(5 - logvar))
    eps = torch.randn(centre.shape, generator=torch.Generator().manual_seed(seed))
    output = network(weights, centre + (logvar / 2).exp() * eps, "decoder")
    weight = torch.ones(())
    if pixels.motion_weight:
        moved = (target - slots[-2]).abs().amax(1, keepdim=True) > 10.5 / 255
        weight = 1 + pixels.motion_weight * moved
    nll = pixelwise(model, weights, output, target, mean, std) * weight
    kl = 0.5 * (centre**2 + logvar.exp() - logvar - 1)
    return nll.flatten(1).sum(1).mean() + cost(model, kl)


def pixelwise(
    model: Autoencoder,
    weights: dict[str, Tensor],
    output: Tensor,
    target: Tensor,
    mean: Tensor,
    std: Tensor,
) -> Tensor:
    """-log p of each pixel: (B, C, H, W)."""
    pixels = model.config.pixels
    chance = output.sigmoid()
    if pixels.likelihood == "bernoulli":
        return -(target * chance.log() + (1 - target) * (1 - chance).log())
    if pixels.sigma == "learned":
        sigma = -6 + functional.softplus(10 * weights["raw_log_sigma"] + 6)
    else:
        sigma = torch.tensor(math.log(pixels.sigma))
    image = mean + std * output if pixels.standardise else chance
    deviation = sigma.exp() * (std if pixels.standardise else 1)
    return 0.5 * ((target - image) / deviation) ** 2 + (deviation * math.sqrt(2 * math.pi)).log()


def cost(model: Autoencoder, kl: Tensor) -> Tensor:
    objective = model.config.objective
    if objective.name == "capacity_vae":
        return objective.gamma * (kl.sum(1).mean() - objective.capacity * STEP / 9).abs()
    return objective.beta_at(STEP) * kl.mean(0).clamp(min=objective.free_bits).sum()


@pytest.mark.parametrize("case", CASES)
def test_loss_and_gradients_are_those_of_the_formulas(case: str) -> None:
    config = tiny(**CASES[case])
    before, after = (squares(6, seed) for seed in (1, 2))
    window = {1: [FRAMES], 2: [before, FRAMES], 3: [before, FRAMES, after]}[config.window.length]
    frames = torch.cat([torch.from_numpy(frame) for frame in window], dim=-1)
    model = Autoencoder.for_frames(config, SHAPE, Frames(frames.numpy()), seed=0)
    weights = {
        name: value.detach().clone().contiguous().requires_grad_()
        for name, value in model.named_parameters()
    }
    loss, _ = model.loss(FrameBatch(frames), torch.Generator().manual_seed(5), STEP)
    loss.backward()  # type: ignore[no-untyped-call]
    expected = reference(model, weights, frames, seed=5)
    expected.backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(loss, expected, rtol=1e-5, atol=0)
    for name, parameter in model.named_parameters():
        gradient, wanted = parameter.grad, weights[name].grad
        assert gradient is not None
        assert wanted is not None
        allowed = 1e-4 * wanted.abs().max().item()
        torch.testing.assert_close(gradient, wanted, rtol=0, atol=allowed)
