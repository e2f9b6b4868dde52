"""Proximal policy optimisation (Schulman et al. 2017): Stable-Baselines3's own, set by the YAML."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from gymnasium import spaces
from pydantic import Field, model_validator
from stable_baselines3 import PPO
from stable_baselines3.common.vec_env import VecEnv

from worldvae.config import Config


class PPOConfig(Config):
    """Training of one agent. The first layers follow from what it sees; all else is shared."""

    env_steps: int = Field(
        1_000_000, ge=1, description="Environment steps to train for, before the action repeat."
    )
    num_envs: int = Field(16, ge=1, le=512, description="Environments played at once.")
    stack: int = Field(4, ge=1, le=16, description="Frames or latents that one observation holds.")
    whiten: bool = Field(True, description="Scale latents by their spread over the rollouts.")
    n_steps: int = Field(128, ge=1, description="Decisions per environment and update.")
    batch_size: int = Field(256, ge=2, description="Decisions per gradient step.")
    n_epochs: int = Field(10, ge=1, description="Passes over the decisions of an update.")
    learning_rate: float = Field(5e-4, gt=0, description="Of Adam, at the start.")
    schedule: Literal["constant", "linear"] = Field(
        "linear", description="Learning rate over the training: constant, or falling to 5 %."
    )
    gamma: float = Field(0.99, gt=0, le=1, description="Discount per decision.")
    gae_lambda: float = Field(0.95, ge=0, le=1, description="Of generalised advantages.")
    clip_range: float = Field(0.2, gt=0, description="Of the probability ratio.")
    ent_coef: float = Field(0.0, ge=0, description="Weight of the entropy bonus.")
    vf_coef: float = Field(0.5, ge=0, description="Weight of the value loss.")
    max_grad_norm: float = Field(0.5, gt=0, description="Gradients are clipped to this norm.")
    net_arch: tuple[int, ...] = Field(
        (128, 128), description="Hidden layers of actor and critic each, after the first layers."
    )
    log_std_init: float = Field(
        -0.5, description="Box actions: log of the exploration's standard deviation at the start."
    )
    normalize_reward: bool = Field(
        True, description="Divide training rewards by the running deviation of the return."
    )
    checkpoint_every: int = Field(
        50_000, ge=1, description="Environment steps between checkpoints."
    )

    @model_validator(mode="after")
    def _batch_fits(self) -> PPOConfig:
        rollout = self.n_steps * self.num_envs
        if rollout % self.batch_size:
            raise ValueError(
                f"batch_size {self.batch_size} does not divide n_steps x num_envs = {rollout}"
            )
        return self


def make_ppo(config: PPOConfig, env: VecEnv, seed: int, device: str) -> PPO:
    """A new agent with the stock policy that fits what `env` shows."""
    return PPO(
        policy_for(env.observation_space),
        env,
        learning_rate=learning_rate(config),
        n_steps=config.n_steps,
        batch_size=config.batch_size,
        n_epochs=config.n_epochs,
        gamma=config.gamma,
        gae_lambda=config.gae_lambda,
        clip_range=config.clip_range,
        ent_coef=config.ent_coef,
        vf_coef=config.vf_coef,
        max_grad_norm=config.max_grad_norm,
        policy_kwargs=policy_arguments(config),
        seed=seed,
        device=device,
    )


def policy_arguments(config: PPOConfig) -> dict[str, Any]:
    """Network and exploration, the same for every arm."""
    layers = list(config.net_arch)
    return {"net_arch": {"pi": layers, "vf": layers}, "log_std_init": config.log_std_init}


def policy_for(space: spaces.Space[Any]) -> str:
    """Stable-Baselines3's name of the policy for observations of `space`."""
    if isinstance(space, spaces.Dict):
        return "MultiInputPolicy"
    return "CnnPolicy" if space.dtype == "uint8" else "MlpPolicy"


def learning_rate(config: PPOConfig) -> float | Callable[[float], float]:
    """What PPO takes: a number, or a function of the share of training that remains."""
    if config.schedule == "constant":
        return config.learning_rate
    return lambda remaining: config.learning_rate * max(remaining, 0.05)
