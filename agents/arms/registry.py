"""The arms of a comparison as data: a row says all that tells an arm from the others.

Whatever depends on an arm reads its row; no other module names an arm. To add one, add a row, and
an observer to `agents.arms.observers` if it observes something new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator


@dataclass(frozen=True)
class Arm:
    """What one group of agents observes, and what has to be made before they train."""

    name: str
    observes: str
    """What the policy is given: a key of `agents.arms.observers.OBSERVERS`."""
    colour: str
    """Of its lines and dots in every figure, as #rrggbb."""
    observation: str
    """What the agent sees, in words for a report."""
    first_layers: str
    """Which first layers it trains that the other arms lack, in words for a report."""
    encoder: Literal["trained", "untrained"] | None = None
    """The encoder that the arm needs before it trains."""
    learns_encoder: bool = False
    """Whether that encoder becomes the first layers of the policy and learns on."""
    may_refit: bool = False
    """Whether its encoder is refitted where the agent's frames drift away, if that is asked for."""
    dynamics: Literal["trained", "untrained"] | None = None
    """The latent dynamics that the arm needs before it trains."""
    world: Literal["real", "dream"] = "real"
    """Where the arm trains; every arm is scored in reality."""

    @property
    def freezes_encoder(self) -> bool:
        """Whether its encoder stays as it is, outside of the policy."""
        return self.encoder is not None and not self.learns_encoder

    @property
    def has_trained_encoder(self) -> bool:
        """Whether its encoder is one that was pretrained on frames."""
        return self.encoder == "trained"

    @property
    def has_untrained_encoder(self) -> bool:
        """Whether its encoder has its initial weights."""
        return self.encoder == "untrained"


_DENSE = "none: the shared dense layers begin at the {}"

ROWS = (
    Arm(
        name="pixels",
        observes="frames",
        colour="#d55e00",
        observation="the last preprocessed frames",
        first_layers="the convolutions of Stable-Baselines3's image policy, from random weights",
    ),
    Arm(
        name="latent",
        observes="latents",
        encoder="trained",
        may_refit=True,
        colour="#0a7cc2",
        observation="latents of an encoder that was trained on collected frames, then frozen",
        first_layers=_DENSE.format("latents"),
    ),
    Arm(
        name="untrained",
        observes="latents",
        encoder="untrained",
        colour="#7f8790",
        observation="latents of the same encoder with its initial weights, frozen, never trained",
        first_layers=_DENSE.format("latents"),
    ),
    Arm(
        name="finetune",
        observes="frames",
        encoder="trained",
        learns_encoder=True,
        colour="#8f39e5",
        observation="the last preprocessed frames",
        first_layers="the pretrained encoder, which learns on with the agent",
    ),
    Arm(
        name="state",
        observes="true state",
        colour="#998c4c",
        observation="the true state that a reader tells, in units of its running mean and "
        "deviation; no frame",
        first_layers=_DENSE.format("state"),
    ),
    Arm(
        name="blind",
        observes="actions",
        colour="#994c59",
        observation="its own last actions, nothing of the world",
        first_layers=_DENSE.format("actions"),
    ),
)

ARMS: dict[str, Arm] = {arm.name: arm for arm in ROWS}
"""Name -> row, in the order in which reports show them."""

DEFAULT = ("latent", "untrained", "pixels")
"""What is compared where a configuration does not say: the claim, its control, and the usual."""

PIXELS, LATENT, UNTRAINED = (ARMS[name] for name in ("pixels", "latent", "untrained"))
"""The three arms that the benchmark measures."""


def check_arm(name: str) -> str:
    """`name` if it is an arm's; ValueError that lists the arms if it is none."""
    if name not in ARMS:
        raise ValueError(f"expected one of {', '.join(ARMS)}")
    return name


ArmName = Annotated[str, AfterValidator(check_arm)]


def rank(name: str) -> int:
    """The place of an arm among others; one that is no longer in the registry comes last."""
    return [*ARMS].index(name) if name in ARMS else len(ARMS)


def colours() -> dict[str, str]:
    """Name -> colour of every arm, for figures."""
    return {arm.name: arm.colour for arm in ARMS.values()}
