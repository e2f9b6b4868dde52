"""Advice on which settings of `pretrain` to change, given their present values."""

from __future__ import annotations

from worldvae.autoencoders.config import NetworkConfig
from worldvae.autoencoders.objectives import VAE, CapacityVAE, Objective, WithBeta
from worldvae.autoencoders.pixel_error import GaussianPixels, NoPixels, PixelError


def more_information(objective: Objective, pixels: PixelError) -> str:
    """Return advice that lets the latents carry more information."""
    if isinstance(objective, CapacityVAE):
        return f"raise pretrain.objective.capacity (now {objective.capacity:g})"
    if isinstance(objective, VAE):
        way = "set pretrain.objective: {name: beta_vae, beta: 0.5}"
    elif isinstance(objective, WithBeta) and objective.beta > 0:
        way = f"lower pretrain.objective.beta (now {objective.beta:g})"
    else:
        return "raise pretrain.steps"
    if isinstance(pixels, GaussianPixels) and pixels.sigma != "learned":
        learned = "set pretrain.pixels.sigma: learned, which weighs picture against code itself"
        return f"{way}, or {learned}"
    return way


def finer_pixels(pixels: PixelError) -> str:
    """Return advice that gives rare and moving pixels more weight."""
    if isinstance(pixels, NoPixels):
        return "set pretrain.pixels.likelihood: gaussian, which counts pixels themselves"
    motion = f"raise pretrain.pixels.motion_weight (now {pixels.motion_weight:g})"
    if pixels.standardise or not isinstance(pixels, GaussianPixels):
        return motion
    return f"{motion}, or set pretrain.pixels.standardise: true"


def finer_still_pixels(pixels: PixelError) -> list[str]:
    """Return advice that gives rare pixels more weight, but takes none from what stands still."""
    if pixels.standardise or not isinstance(pixels, GaussianPixels):
        return []
    return ["set pretrain.pixels.standardise: true"]


def latents_of_each_place(network: NetworkConfig) -> str:
    """Return advice that gives each place of the frame latents of its own, or more of them."""
    if network.code == "grid":
        return f"raise pretrain.latents (now {network.latents}), of which each place has its own"
    return "set pretrain.code: grid with more pretrain.latents, of which each place has its own"


def nearer_future(pixels: PixelError) -> str:
    """Return advice that makes the frame to be decoded less random."""
    nearer = f"lower pretrain.pixels.predict (now {pixels.predict})"
    return nearer if pixels.actions else f"{nearer}, or set pretrain.pixels.actions: true"


def join(*ways: str) -> str:
    """Join different alternatives into one sentence."""
    text = "; or ".join(dict.fromkeys(ways))
    return f"{text[0].upper()}{text[1:]}."
