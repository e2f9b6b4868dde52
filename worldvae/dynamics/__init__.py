"""Latent dynamics: how the latents of an environment move, what they pay, and when they end."""
