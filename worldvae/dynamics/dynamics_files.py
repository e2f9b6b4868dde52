"""The JSON files of a folder of dynamics: what each says, read and written without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat

from worldvae.dynamics.actions import PolicyActions
from worldvae.dynamics.config import DynamicsNetwork, DynamicsObjective
from worldvae.fields import known_format
from worldvae.folders import KINDS
from worldvae.json_files import Content, JsonFile
from worldvae.rollouts.keys import NO_BOUNDS, KeyBounds
from worldvae.training.result import Metric, TrainingResult

FORMAT = 1
DYNAMICS_REMEDY = KINDS["dynamics"].remedy


class KeyUnits(Content):
    """A vector beside the frame, such as a speed, and its units over the training episodes."""

    name: str = Field(description="The key of the observation.")
    mean: tuple[FiniteFloat, ...] = Field(description="Of each of its numbers.")
    std: tuple[FiniteFloat, ...] = Field(description="Of each of its numbers, above 0.")
    bounds: KeyBounds = Field(NO_BOUNDS, description="Between which values they are.")

    @property
    def size(self) -> int:
        """The numbers of the vector."""
        return len(self.mean)


class DynamicsModelConfig(Content):
    """What dynamics are: their layers, their loss, and the sizes of what they read."""

    network: DynamicsNetwork = Field(description="Sizes of the layers.")
    objective: DynamicsObjective = Field(description="What they are trained for.")
    latents: int = Field(ge=1, description="Latents Z of a frame.")
    keys: int = Field(ge=0, description="Numbers X beside the frame.")
    action_size: int = Field(ge=1, description="Numbers A of an encoded action.")


class DynamicsCard(Content):
    """What an agent, a wrapper or a dream must know of dynamics; saved beside the weights."""

    env_id: str = Field(description="The environment.")
    image_key: str | None = Field(description="The key of the frame; null: the observation is it.")
    action_repeat: int = Field(description="Environment steps in one decision.")
    limit: int | None = Field(
        None,
        description="Decisions after which the environment truncated the rollouts' episodes; null: "
        "they show no limit.",
    )
    encoder_sha256: str = Field(description="Hash of the encoder whose latents they read.")
    data_sha256: str = Field(description="Hash of the training rollouts.")
    trained: bool = Field(description="False: random weights, the control arm.")
    actions: PolicyActions = Field(description="The actions of policies.")
    keys: tuple[KeyUnits, ...] = Field(description="The vectors beside the frame, in their order.")
    scores: dict[str, Metric] = Field(description="Means over held-out windows.")
    versions: dict[str, str] = Field(description="Software that made the dynamics.")


class DynamicsCardFile(DynamicsCard):
    """The content of card.json."""

    weights_sha256: str = Field(description="Hash of the model.safetensors that it belongs to.")


class DynamicsFile(Content):
    """The content of config.json, written last: with it the folder is whole."""

    format: Annotated[int, known_format(FORMAT)] = Field(
        description="Version of the folder's layout."
    )
    dynamics: DynamicsModelConfig = Field(description="Network, objective and sizes.")
    weights_sha256: str = Field(description="Hash of model.safetensors.")


DYNAMICS_CONFIG = JsonFile("config.json", DynamicsFile, DYNAMICS_REMEDY)
DYNAMICS_CARD = JsonFile("card.json", DynamicsCardFile, DYNAMICS_REMEDY)
LEARNING = JsonFile(
    "result.json", TrainingResult, "restore it, or remove {folder} to learn the dynamics again"
)
