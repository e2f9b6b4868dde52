"""The arms of a comparison as data: a row holds everything that distinguishes an arm.

All code that depends on an arm reads its row; no other module names an arm. To add an arm, add a
row, and an observer to `agents.arms.observers` if it observes something new.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

from pydantic import AfterValidator

from worldvae.mistakes import nearest


@dataclass(frozen=True)
class Arm:
    """The observation of a group of agents, and the artefacts that they need before they train."""

    name: str
    observes: str
    """The observation: a key of `agents.arms.observers.OBSERVERS`."""
    colour: str
    """The colour of its lines and dots in every figure, as #rrggbb."""
    observation: str
    """The observation in words, for a report."""
    first_layers: str
    """The first layers that it trains and other arms lack, in words for a report."""
    encoder: Literal["trained", "untrained"] | None = None
    """The encoder that the arm needs before it trains."""
    learns_encoder: bool = False
    """Whether the encoder becomes the first layers of the policy and is trained with it."""
    may_refit: bool = False
    """Whether its encoder may be refitted when the agent's frames drift (`drift.refresh`)."""
    dynamics: Literal["trained", "untrained"] | None = None
    """The latent dynamics that the arm needs before it trains."""
    world: Literal["real", "dream"] = "real"
    """The world in which the arm trains; every arm is evaluated in reality."""

    @property
    def observes_images(self) -> bool:
        """Whether its policy observes frames, for which it needs convolutions."""
        return self.observes == "frames"

    @property
    def freezes_encoder(self) -> bool:
        """Whether its encoder stays frozen, outside of the policy."""
        return self.encoder is not None and not self.learns_encoder

    @property
    def has_trained_encoder(self) -> bool:
        """Whether its encoder was pretrained on frames."""
        return self.encoder == "trained"

    @property
    def has_untrained_encoder(self) -> bool:
        """Whether its encoder has its initial weights."""
        return self.encoder == "untrained"

    @property
    def has_memory(self) -> bool:
        """Whether it observes the memory of dynamics, which holds the past in place of a stack."""
        return self.dynamics is not None

    @property
    def has_trained_dynamics(self) -> bool:
        """Whether its dynamics were trained on latents."""
        return self.dynamics == "trained"

    @property
    def has_untrained_dynamics(self) -> bool:
        """Whether its dynamics have their initial weights."""
        return self.dynamics == "untrained"

    @property
    def trains_in_dream(self) -> bool:
        """Whether it trains in a dream of its dynamics."""
        return self.world == "dream"


_DENSE = "none: the shared dense layers begin at the {}"

_REMEMBERED = "latents, and the memory that {} has of all latents and actions of the episode"

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
        name="memory",
        observes="latents + memory",
        encoder="trained",
        dynamics="trained",
        colour="#b9109c",
        observation=_REMEMBERED.format("a trained model of their dynamics"),
        first_layers=_DENSE.format("latents and the memory"),
    ),
    Arm(
        name="untrained_memory",
        observes="latents + memory",
        encoder="trained",
        dynamics="untrained",
        colour="#c70e20",
        observation=_REMEMBERED.format("the same model of their dynamics with its initial weights"),
        first_layers=_DENSE.format("latents and the memory"),
    ),
    Arm(
        name="dream",
        observes="latents + memory",
        encoder="trained",
        dynamics="trained",
        world="dream",
        colour="#fe30e1",
        observation=_REMEMBERED.format("a trained model of their dynamics")
        + "; it trains in a dream of that model, and is scored in reality",
        first_layers=_DENSE.format("latents and the memory"),
    ),
    Arm(
        name="untrained_dream",
        observes="latents + memory",
        encoder="trained",
        dynamics="untrained",
        world="dream",
        colour="#c88078",
        observation=_REMEMBERED.format("the same model of their dynamics with its initial weights")
        + "; it trains in a dream of that model, and is scored in reality",
        first_layers=_DENSE.format("latents and the memory"),
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
"""Name -> row, in the order of the reports."""

DEFAULT = ("latent", "untrained", "pixels")
"""The arms of a comparison whose configuration names none: the claim, its control, the baseline."""

PIXELS, LATENT, UNTRAINED = (ARMS[name] for name in ("pixels", "latent", "untrained"))
"""The arms that the benchmark measures; a study trains its agents on latents."""


def check_arm(name: str) -> str:
    """Return `name` if it is an arm; raises ValueError with the list of arms if not."""
    if name not in ARMS:
        raise ValueError(f"expected one of {', '.join(ARMS)}{nearest(name, [*ARMS])}")
    return name


ArmName = Annotated[str, AfterValidator(check_arm)]


def rank(name: str) -> int:
    """Return the position of an arm in reports; an arm outside the registry comes last."""
    return [*ARMS].index(name) if name in ARMS else len(ARMS)


def env_steps_of(name: str, trained: int) -> str:
    """Return in words how many env steps an arm has trained: some arms take theirs in dreams."""
    dreamed = " dreamed" if name in ARMS and ARMS[name].trains_in_dream else ""
    return f"{trained:,}{dreamed} env steps"


def colours() -> dict[str, str]:
    """Return the name -> colour of every arm, for figures."""
    return {arm.name: arm.colour for arm in ARMS.values()}
