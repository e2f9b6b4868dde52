"""All that dreams are made of: dynamics, the frames that they begin from, and their settings."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray
from pydantic import ValidationError

from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.checkpoint import check_encoder, load_dynamics
from worldvae.dynamics.config import DreamSettings
from worldvae.dynamics.dream_batch import DreamBatch
from worldvae.dynamics.dream_observation import DreamObserver
from worldvae.dynamics.dynamics_files import DynamicsCard
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.rollout_starts import starts_of_rollouts
from worldvae.dynamics.starts_file import load_starts
from worldvae.dynamics.state import DynamicsState
from worldvae.envs.rendering import is_shown
from worldvae.errors import ConfigError
from worldvae.hub.download import local_folder
from worldvae.keys import explain
from worldvae.rollouts.manifest import Split

RENDER_MODES = ["rgb_array"]
FRAMES_PER_SECOND = 15


@dataclass(frozen=True)
class DreamSource:
    """What any number of dreams share."""

    dynamics: Dynamics
    card: DynamicsCard
    starts: DynamicsState
    """The states (K, S, C), (S, D) of S real frames."""
    settings: DreamSettings
    encoder: Encoder | None = None
    """What decodes pictures; None if dreams are not shown."""

    @classmethod
    def load(
        cls,
        folder: str | Path,
        encoder: str | Path | None = None,
        rollouts: str | Path | None = None,
        split: Split = "train",
        device: str = "cpu",
        **settings: Any,
    ) -> DreamSource:
        """Return the dreams of the dynamics in `folder`.

        Args:
            folder: A folder of dynamics, which holds real frames to begin from, or an address on
                the hub: hf://USER/NAME.
            encoder: The folder or address of the encoder that the dynamics were trained on, for
                `render`.
            rollouts: A folder of rollouts to begin from; None for the frames that are kept with the
                dynamics. Their frames are encoded, which takes the encoder.
            split: The episodes whose frames dreams begin from: train, or validation and test for
                episodes that the dynamics were not trained on.
            device: Where the dynamics compute.
            settings: Fields of `DreamSettings`, such as horizon, temperature, starts.

        Raises ArtifactError if a folder is missing or damaged or if the encoder is another one, and
        ConfigError for a wrong setting.
        """
        chosen = dream_settings(**settings)
        folder = local_folder(folder, "dynamics")
        encoder = None if encoder is None else local_folder(encoder, "encoder")
        dynamics, card = load_dynamics(folder, device)
        if chosen.max_disagreement is not None and len(dynamics.members) == 1:
            raise ConfigError(
                f"max_disagreement = {chosen.max_disagreement}: {folder} holds one network, which "
                "cannot disagree; learn dynamics of more members, or leave it out"
            )
        if encoder is not None:
            check_encoder(card, folder, encoder)
        if rollouts is None:
            bank = load_starts(folder, split, chosen.starts, chosen.burn_in, chosen.bank)
        elif encoder is None:
            raise ConfigError(
                f"rollouts = {rollouts}: give encoder=FOLDER too, to encode them with"
            )
        else:
            paths = Path(rollouts), encoder, folder
            bank = starts_of_rollouts(*paths, card, split, chosen)
        shown = None if encoder is None else Encoder.load(encoder, device)
        return cls(dynamics, card, bank.states(dynamics), chosen, shown)

    def batch(self, count: int) -> DreamBatch:
        """Return `count` dreams."""
        return DreamBatch(self.dynamics, self.starts, count, self.settings)

    def observer(self) -> DreamObserver:
        """Return what turns states into observations."""
        return DreamObserver(self.dynamics, self.card)

    def encode(self, actions: Any, count: int) -> NDArray[np.float32]:
        """Return actions of `count` dreams as vectors (count, A).

        Raises ConfigError if they are not as many, or not in the action space.
        """
        space, given = self._action_space, np.asarray(actions)
        if given.shape != (count, *(space.shape or ())):
            raise ConfigError(
                f"actions {given.shape}: expected {count} of {space}, one for each dream"
            )
        choices = self.card.actions.choices
        if choices is None:
            usable = np.isfinite(given).all()
        else:
            usable = given.dtype.kind in "iu" and (given >= 0).all() and (given < choices).all()
        if not usable:
            raise ConfigError(f"actions {given}: not all are in {space}")
        return self.card.actions.encode(given)

    @cached_property
    def _action_space(self) -> spaces.Space[Any]:
        return self.card.actions.space

    def check_places(self, places: Any, count: int) -> NDArray[np.intp]:
        """Return the numbers of `count` starts; ConfigError if there are others, or no such."""
        given, most = np.asarray(places), len(self.starts.code)
        is_whole = given.dtype.kind in "iu" and given.shape == (count,)
        if not (is_whole and (given >= 0).all() and (given < most).all()):
            raise ConfigError(f"starts {places}: expected {count} numbers from 0 to {most - 1}")
        return given.astype(np.intp)

    def check_render_mode(self, render_mode: str | None) -> str | None:
        """Return `render_mode`; ConfigError if there is no such, or no encoder to decode with."""
        if render_mode not in {None, *RENDER_MODES}:
            raise ConfigError(
                f"render_mode = {render_mode!r}: a dream is shown as 'rgb_array', or not at all "
                "(None)"
            )
        if render_mode is not None:
            self._decoder()
        return render_mode

    def is_shown(self, render_mode: str | None) -> bool:
        """Return whether `render` shows dreams, and warn if not."""
        remedy = "make the dream with render_mode='rgb_array' and encoder=FOLDER"
        return is_shown(render_mode, remedy)

    def pictures(self, state: DynamicsState) -> NDArray[np.uint8]:
        """Decode the frames of N states: (N, H, W, C) uint8.

        Raises ConfigError if no encoder was given.
        """
        encoder = self._decoder()
        return encoder.decode(encoder.unwhiten(state.code[:, : encoder.latents].cpu().numpy()))

    def _decoder(self) -> Encoder:
        if self.encoder is None:
            raise ConfigError("to show a dream takes the encoder: give encoder=FOLDER")
        return self.encoder


def dream_settings(**settings: Any) -> DreamSettings:
    """Return the settings; ConfigError names one that does not exist or has a wrong value."""
    try:
        return DreamSettings(**settings)
    except ValidationError as error:
        key, words = explain(error, DreamSettings)
        raise ConfigError(f"a dream's {key}{words}") from None
