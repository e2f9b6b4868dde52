"""The JSON files of an encoder's folder: what each says, read and written without torch."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, FiniteFloat

from worldvae.autoencoders.config import AutoencoderConfig
from worldvae.envs.frames import FrameConfig
from worldvae.errors import ArtifactError
from worldvae.fields import known_format
from worldvae.folders import KINDS
from worldvae.json_files import Content, JsonFile
from worldvae.training.result import TrainingResult

FORMAT = 3
ENCODER_REMEDY = KINDS["encoder"].remedy


class FrameOrigin(Content):
    """Where the training frames came from and how they were made."""

    frame: FrameConfig = Field(description="How a source frame became a frame.")
    source_shape: tuple[int, ...] = Field(description="Shape of the environment's own frame.")
    env_id: str = Field(description="The environment.")
    data_sha256: str = Field(description="Hash of the training rollouts.")
    action_repeat: int | None = Field(
        None,
        ge=1,
        description="Environment steps from a frame to the next, which matter to an encoder of "
        "several frames; null: not recorded.",
    )


class EncoderCard(FrameOrigin):
    """What an agent must know of its encoder; saved beside the weights."""

    trained: bool = Field(description="False: random weights, the control arm.")
    latent_mean: tuple[FiniteFloat, ...] = Field(description="Of each latent, training frames.")
    latent_std: tuple[FiniteFloat, ...] = Field(description="Of each latent, training frames.")
    kl: tuple[FiniteFloat, ...] = Field(description="Of each latent, held-out frames, in nats.")
    action_size: int = Field(description="Numbers in the actions that the decoder is told.")
    scores: dict[str, FiniteFloat] = Field(description="Means over held-out frames.")
    versions: dict[str, str] = Field(description="Software that made the encoder.")

    def check_frame(self, given: FrameConfig, giver: str) -> None:
        """Raise ArtifactError if `giver` does not make frames as those of training were made."""
        if given != self.frame:
            raise ArtifactError(
                f"the encoder was trained on frames of {self.frame}, {giver} gives {given}"
            )


class CardFile(EncoderCard):
    """The content of card.json."""

    weights_sha256: str | None = Field(
        description="Hash of the model.safetensors that it belongs to; null: published without."
    )


class EncoderFile(Content):
    """The content of config.json, written last: with it the folder is whole."""

    format: Annotated[int, known_format(FORMAT)] = Field(
        description="Version of the folder's layout."
    )
    autoencoder: AutoencoderConfig = Field(description="Network and objective.")
    weights_sha256: str = Field(description="Hash of model.safetensors.")


class PretrainingResult(TrainingResult):
    """`result.json`, with which an encoder is done; what a critic took before it is part of it."""

    taken_from: str | None = Field(
        None,
        description="The finished encoder that was copied, a folder or an address, and where its "
        "cost is charged; null: trained here.",
    )


CONFIG = JsonFile("config.json", EncoderFile, ENCODER_REMEDY)
CARD = JsonFile("card.json", CardFile, ENCODER_REMEDY)
PRETRAINING = JsonFile(
    "result.json", PretrainingResult, "restore it, or remove {folder} to pretrain again"
)
