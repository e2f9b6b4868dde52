"""Stable-Baselines3's algorithms by name, set by the YAML and the same for every arm."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Annotated, Any, Literal

from gymnasium import spaces
from pydantic import Field, model_validator
from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.utils import LinearSchedule
from stable_baselines3.common.vec_env import VecEnv

from agents.config.algorithm_arguments import check_arguments, library_errors
from worldvae.config import Config
from worldvae.errors import TrainingError
from worldvae.wrappers.sb3 import begin_as_pretrained

Algorithm = Literal["PPO", "RecurrentPPO", "A2C", "SAC", "TQC", "DQN"]

CONTRIB = {"RecurrentPPO", "TQC"}
"""Of sb3-contrib, which is installed apart."""

EXPLORES_BY_STD = {"PPO", "RecurrentPPO", "A2C"}
"""Their policy has a standard deviation for Box actions that does not depend on the state."""

# Where the library's own defaults suit one environment, these suit the sixteen of `num_envs`.
DEFAULTS: dict[str, dict[str, Any]] = {
    "PPO": {"n_steps": 128, "batch_size": 256},
    "RecurrentPPO": {"n_steps": 128, "batch_size": 256},
    # The default million takes 98 GB of stacked frames.
    "SAC": {"buffer_size": 100_000},
    "TQC": {"buffer_size": 100_000},
    "DQN": {"buffer_size": 100_000},
}


class AgentConfig(Config):
    """Training of one agent. The first layers follow from what it sees; all else is shared."""

    algorithm: Algorithm = Field(
        "PPO", description="Stable-Baselines3's, or of sb3-contrib (RecurrentPPO, TQC)."
    )
    env_steps: int = Field(
        1_000_000, ge=1, description="Environment steps to train for, before the action repeat."
    )
    num_envs: int = Field(16, ge=1, le=512, description="Environments played at once.")
    stack: int = Field(4, ge=1, le=16, description="Frames or latents that one observation holds.")
    whiten: bool = Field(True, description="Scale latents by their spread over the rollouts.")
    learning_rate: float = Field(5e-4, gt=0, description="Of the optimiser, at the start.")
    schedule: Literal["constant", "linear"] = Field(
        "linear", description="Learning rate over the training: constant, or falling to 5 %."
    )
    gamma: float = Field(0.99, gt=0, le=1, description="Discount per decision.")
    net_arch: tuple[Annotated[int, Field(ge=1, le=16_384)], ...] = Field(
        (128, 128),
        max_length=16,
        description="Hidden layers of actor and critic each, after the first layers.",
    )
    log_std_init: float = Field(
        -0.5,
        ge=-20,
        le=5,
        description="PPO, RecurrentPPO, A2C with Box actions: log of the exploration's standard "
        "deviation at the start.",
    )
    normalize_reward: bool = Field(
        True, description="Divide training rewards by the running deviation of the return."
    )
    settings: dict[str, Any] = Field(
        {},
        description="Further arguments of the algorithm's class, such as n_steps and batch_size "
        "of PPO or buffer_size of DQN; the library's documentation explains them.",
    )
    checkpoint_every: int = Field(
        50_000, ge=1, description="Environment steps between checkpoints."
    )

    @property
    def arguments(self) -> dict[str, Any]:
        """Those of the algorithm's class that `settings` and our defaults decide."""
        return {**DEFAULTS.get(self.algorithm, {}), **self.settings}

    @property
    def policy_arguments(self) -> dict[str, Any]:
        """Network and exploration, the same for every arm."""
        arguments: dict[str, Any] = {"net_arch": list(self.net_arch)}
        if self.algorithm in EXPLORES_BY_STD:
            arguments["log_std_init"] = self.log_std_init
        return arguments

    @model_validator(mode="after")
    def _known_settings(self) -> AgentConfig:
        check_arguments(self.algorithm, algorithm_class(self.algorithm), self.settings)
        return self

    @model_validator(mode="after")
    def _batch_fits(self) -> AgentConfig:
        if not {"n_steps", "batch_size"} <= self.arguments.keys():
            return self
        n_steps, batch = self.arguments["n_steps"], self.arguments["batch_size"]
        if "PPO" in self.algorithm and n_steps * self.num_envs % batch:
            raise ValueError(
                f"batch_size {batch} does not divide n_steps x num_envs = {n_steps * self.num_envs}"
            )
        return self


def algorithm_class(name: Algorithm) -> type[BaseAlgorithm]:
    """The class that `name` means; ValueError if its package is not installed."""
    package = "sb3_contrib" if name in CONTRIB else "stable_baselines3"
    try:
        found: type[BaseAlgorithm] = getattr(importlib.import_module(package), name)
    except ImportError:
        raise ValueError(f"{name} needs sb3-contrib: pip install 'sb3-contrib>=2.9'") from None
    return found


def learns_from_replay(name: Algorithm) -> bool:
    """Whether it learns from observations of long ago."""
    return issubclass(algorithm_class(name), OffPolicyAlgorithm)


def make_model(
    config: AgentConfig, env: VecEnv, seed: int, device: str, eyes: dict[str, Any] | None = None
) -> BaseAlgorithm:
    """A new agent with the stock policy that fits what `env` shows.

    Args:
        eyes: Arguments of the policy that replace its first layers.

    Raises TrainingError if the algorithm cannot act or see in `env`.
    """
    make: Callable[..., BaseAlgorithm] = algorithm_class(config.algorithm)
    with library_errors(config.algorithm):
        try:
            model = make(
                policy_for(config.algorithm, env.observation_space),
                env,
                learning_rate=learning_rate(config),
                gamma=config.gamma,
                policy_kwargs={**config.policy_arguments, **(eyes or {})},
                seed=seed,
                device=device,
                **config.arguments,
            )
        except (AssertionError, TypeError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise TrainingError(f"agent.algorithm = {config.algorithm!r}: {reason}") from None
    begin_as_pretrained(model.policy)
    return model


def policy_for(algorithm: Algorithm, space: spaces.Space[Any]) -> str:
    """Stable-Baselines3's name of the policy for observations of `space`."""
    memory = "Lstm" if algorithm == "RecurrentPPO" else ""
    if isinstance(space, spaces.Dict):
        return f"MultiInput{memory}Policy"
    return f"Cnn{memory}Policy" if space.dtype == "uint8" else f"Mlp{memory}Policy"


def learning_rate(config: AgentConfig) -> float | LinearSchedule:
    """A number, or a function of the share of training that remains: falling to 5 %.

    The zip of an agent holds it, so it is a class of Stable-Baselines3 and nothing of ours.
    """
    if config.schedule == "constant":
        return config.learning_rate
    return LinearSchedule(config.learning_rate, 0.05 * config.learning_rate, end_fraction=0.95)
