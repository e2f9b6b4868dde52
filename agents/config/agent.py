"""The settings of an agent's training, and the properties of each supported algorithm."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field, field_validator, model_validator

from agents.config.algorithm_arguments import check_arguments, with_whole_counts
from worldvae.config import Config
from worldvae.extras import EXTRAS, import_extra, not_installed

AlgorithmName = Literal["PPO", "RecurrentPPO", "A2C", "SAC", "TQC", "CrossQ", "DQN"]


@dataclass(frozen=True)
class Algorithm:
    """Properties of an algorithm that are needed without importing it."""

    package: str = "stable_baselines3"
    """The package with a class of the algorithm's name."""

    actions: tuple[str, ...] = ("Box", "Discrete")
    """The kinds of action spaces that it can choose from."""

    replays: bool = False
    """Whether it learns from old observations in a replay buffer."""

    explores_by_std: bool = False
    """Whether it explores Box actions with a standard deviation that is the same in all states."""

    recurrent: bool = False
    """Whether its policy is recurrent within an episode."""

    has_one_policy: bool = False
    """Whether it has no policies of its own for images and for Dict observations."""

    defaults: Mapping[str, Any] = field(default_factory=dict)
    """Arguments for the sixteen environments of `num_envs`; the library's defaults suit one."""


_ROLLOUT = {"n_steps": 128, "batch_size": 256}
_BUFFER = {
    "buffer_size": 100_000,  # the library's million takes 98 GB of stacked frames
    "learning_starts": 100,  # the library's own: every round of dreams fills an empty buffer
}
_SOFT = {
    **_BUFFER,
    # As many updates as decisions, which the library's 1 is with one environment.
    "gradient_steps": -1,
    # The library begins with 1 a nat. Beside it rewards that are divided by the deviation of the
    # return are nothing, until it has fallen; it is fitted from here, too.
    "ent_coef": "auto_0.01",
}

ALGORITHMS: dict[AlgorithmName, Algorithm] = {
    "PPO": Algorithm(explores_by_std=True, defaults=_ROLLOUT),
    "RecurrentPPO": Algorithm(
        "sb3_contrib", explores_by_std=True, recurrent=True, defaults=_ROLLOUT
    ),
    "A2C": Algorithm(explores_by_std=True, defaults={"n_steps": 5}),
    "SAC": Algorithm(actions=("Box",), replays=True, defaults=_SOFT),
    "TQC": Algorithm("sb3_contrib", actions=("Box",), replays=True, defaults=_SOFT),
    "CrossQ": Algorithm(
        "sb3_contrib", actions=("Box",), replays=True, has_one_policy=True, defaults=_SOFT
    ),
    "DQN": Algorithm(
        actions=("Discrete",),
        replays=True,
        # An update for every four decisions, as the library has it with one environment.
        defaults={**_BUFFER, "train_freq": 1, "gradient_steps": 4},
    ),
}


class AgentConfig(Config):
    """Training of one agent; only the first layers depend on the arm."""

    algorithm: AlgorithmName = Field(
        "PPO",
        description="Algorithm of Stable-Baselines3 or sb3-contrib (RecurrentPPO, TQC, CrossQ).",
    )
    env_steps: int = Field(
        1_000_000, ge=1, description="Environment steps to train for, before the action repeat."
    )
    num_envs: int = Field(16, ge=1, le=512, description="Environments that run at once.")
    stack: int = Field(4, ge=1, le=16, description="Frames or latents that one observation holds.")
    whiten: bool = Field(True, description="Scale latents by their spread over the rollouts.")
    random_shift: int = Field(
        0,
        ge=0,
        le=64,
        description="Algorithms with a replay buffer, arms whose policies have a CNN: training "
        "pads each replayed image by so many pixels and cuts it out at a random place, as DrQ-v2 "
        "does with 4 (Yarats et al., 2021); 0: off.",
    )
    learning_rate: float = Field(5e-4, gt=0, description="Learning rate at the start.")
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
    clip_reward: float = Field(
        10.0,
        gt=0,
        le=1e9,
        description="Training rewards that were divided are cut at so many deviations either way; "
        "raise it where a rare reward is far larger than what is usual.",
    )
    symlog_keys: bool = Field(
        False,
        description="Read the numbers beside the image as sign(x) log(1 + |x|), so that large ones "
        "do not drown the others (Hafner et al., 2023).",
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
        """The arguments of the algorithm's class, from its defaults here and `settings`."""
        return {**ALGORITHMS[self.algorithm].defaults, **self.settings}

    @property
    def policy_arguments(self) -> dict[str, Any]:
        """The arguments of the policy for network and exploration, the same for every arm."""
        arguments: dict[str, Any] = {"net_arch": list(self.net_arch)}
        if ALGORITHMS[self.algorithm].explores_by_std:
            arguments["log_std_init"] = self.log_std_init
        return arguments

    @field_validator("settings")
    @classmethod
    def _whole_counts(cls, settings: dict[str, Any]) -> dict[str, Any]:
        return with_whole_counts(settings)

    @model_validator(mode="after")
    def _known_settings(self) -> AgentConfig:
        check_installed(self.algorithm)
        if self.settings:  # importing the library takes seconds
            check_arguments(self.algorithm, algorithm_class(self.algorithm), self.settings)
        return self

    @model_validator(mode="after")
    def _shifts_what_it_replays(self) -> AgentConfig:
        if self.random_shift and not ALGORITHMS[self.algorithm].replays:
            able = [name for name, row in ALGORITHMS.items() if row.replays]
            raise ValueError(
                f"random_shift = {self.random_shift}: {self.algorithm} replays no images; use "
                f"{', '.join(able[:-1])} or {able[-1]}, or set it to 0"
            )
        return self

    @model_validator(mode="after")
    def _batch_fits(self) -> AgentConfig:
        self.check_batches()
        return self

    def check_batches(self) -> None:
        """Raise ValueError unless batches divide what the environments yield between updates."""
        arguments = self.arguments
        learns_in_batches = {"n_steps", "batch_size"} <= arguments.keys()
        if ALGORITHMS[self.algorithm].replays or not learns_in_batches:
            return
        n_steps, batch = arguments["n_steps"], arguments["batch_size"]
        if n_steps * self.num_envs % batch:
            raise ValueError(
                f"batch_size {batch} does not divide n_steps x num_envs = {n_steps * self.num_envs}"
            )


def check_installed(name: AlgorithmName) -> None:
    """Raise ValueError unless the package of the algorithm is installed; nothing is imported."""
    package = ALGORITHMS[name].package
    if package in EXTRAS and (told := not_installed(package)):
        raise ValueError(f"{name}: {told}")


def algorithm_class(name: AlgorithmName) -> type[Any]:
    """Import the class of the algorithm; raises ConfigError if its package cannot be imported."""
    package = ALGORITHMS[name].package
    is_extra = package in EXTRAS
    module = import_extra(name, package) if is_extra else importlib.import_module(package)
    found: type[Any] = getattr(module, name)
    return found
