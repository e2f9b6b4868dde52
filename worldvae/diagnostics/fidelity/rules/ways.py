"""Ways out: advice on which settings to change, given their present values."""

from __future__ import annotations

from collections.abc import Collection

from worldvae.dynamics.config import DynamicsObjective

WIDER_POLICIES = "rollouts.policies: {random: 1, smooth: 1, sweep: 1}"
WIDER_PLAY = f"collect wider play, such as {WIDER_POLICIES}"
MORE_FRAMES = "raise rollouts.frames"
ROUNDS = "set dream.rounds: 3, and dynamics learn on from where the agent goes"
LONGER = "raise dynamics.steps"


def wider_play(policies: Collection[str]) -> str:
    """Return advice on what to collect beside the episodes of `policies`.

    Where sweeps are collected already, only an agent goes further.
    """
    return ROUNDS if "sweep" in policies else WIDER_PLAY


def own_samples(objective: DynamicsObjective) -> str:
    """Return advice that trains dynamics as they are used, on their own samples."""
    if not objective.own_samples:
        return "set dynamics.own_samples: 1, so that they learn from their own samples too"
    return f"raise dynamics.own_samples (now {objective.own_samples:g})"


def input_noise(objective: DynamicsObjective) -> str:
    """Return advice that makes dynamics stand small errors in what they read."""
    if not objective.input_noise:
        return "set dynamics.input_noise: 0.3"
    return f"raise dynamics.input_noise (now {objective.input_noise:g})"


def heavier_ends(objective: DynamicsObjective) -> str:
    """Return advice that gives rare ends more weight in training."""
    return f"raise dynamics.end_weight (now {objective.end_weight:g})"


def heavier_rewards(objective: DynamicsObjective) -> str:
    """Return advice that gives rewards more weight in training."""
    return f"raise dynamics.reward_weight (now {objective.reward_weight:g})"


def shorter(horizon: int) -> str:
    """Return advice that ends dreams before they drift."""
    return f"set dream.horizon: {max(horizon, 1)} at most"


def point_codes(objective: DynamicsObjective) -> list[str]:
    """Return advice to learn from what agents see, if dynamics learn from draws of it."""
    return ["set dynamics.sample_codes: false"] if objective.sample_codes else []
