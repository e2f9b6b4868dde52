"""The data that dynamics are made from: encoded episodes as windows, with the units of keys."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.codes import CODES_FOLDER, encode_rollouts
from worldvae.dynamics.config import KEPT_BURN_IN, KEPT_STARTS, DynamicsConfig
from worldvae.dynamics.dynamics_files import DynamicsCard, DynamicsModelConfig, KeyUnits
from worldvae.dynamics.key_units import measure_keys
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.sequences import Sequences
from worldvae.dynamics.starts_file import save_starts
from worldvae.dynamics.units import measure_units
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.findings import check_followed
from worldvae.rollouts.limit import shown_limit
from worldvae.rollouts.manifest import Split
from worldvae.training.batches import check_not_empty
from worldvae.versions import library_versions


@dataclass(frozen=True)
class DynamicsData:
    """What dynamics are learnt from: windows of each split, and whose they are."""

    windows: dict[Split, Sequences]
    keys: tuple[KeyUnits, ...]
    encoder_sha256: str

    @classmethod
    def read(
        cls,
        store: RolloutStore,
        encoder: Path,
        config: DynamicsConfig,
        folder: Path,
        device: str = "cpu",
        keys: tuple[KeyUnits, ...] | None = None,
    ) -> DynamicsData:
        """Encode the frames of `store` into `folder`, or read their codes there.

        `keys` are the units of the vectors beside the frame; None measures them.

        Raises ArtifactError if the train or the validation split is empty, or if nothing follows
        any decision.
        """
        digest = hash_encoder(encoder)
        loaded = Encoder.load(encoder, device)
        encoded = encode_rollouts(store, loaded, digest, folder / CODES_FOLDER)
        training = [record for record in encoded.records if record.split == "train"]
        check_not_empty(training, "train")
        check_followed(store, training)
        keys = measure_keys(store, training) if keys is None else keys
        space = store.action_space
        windows: dict[Split, Sequences] = {
            split: Sequences(encoded, split, space, keys, config.window)
            for split in get_args(Split)
        }
        check_not_empty(windows["validation"], "validation")
        return cls(windows, keys, digest)

    @property
    def data_sha256(self) -> str:
        """The hash of the training windows."""
        return str(self.windows["train"].identity["data_sha256"])

    def model(self, config: DynamicsConfig, seed: int) -> Dynamics:
        """Return dynamics with initial weights in the units of the training windows."""
        train = self.windows["train"]
        sizes = DynamicsModelConfig(
            network=config.network,
            objective=config.objective,
            latents=train.latents,
            keys=train.size - train.latents,
            action_size=train.actions.size,
        )
        model = Dynamics(sizes, measure_units(train, train.latents, config.bins), seed)
        model.know(self.keys)
        return model

    def card(self, store: RolloutStore, scores: dict[str, float], trained: bool) -> DynamicsCard:
        """Return the card of dynamics that were made from these data."""
        train = self.windows["train"]
        return DynamicsCard(
            env_id=store.env.id,
            image_key=store.env.image_key,
            action_repeat=store.env.action_repeat,
            limit=shown_limit(store.records, store.env.give_up_after),
            encoder_sha256=self.encoder_sha256,
            data_sha256=self.data_sha256,
            trained=trained,
            actions=train.actions,
            keys=self.keys,
            scores=scores,
            versions=library_versions(),
        )

    def save_starts(self, folder: Path) -> None:
        """Write the real frames from which dreams of `folder` begin."""
        save_starts(folder, self.windows, KEPT_BURN_IN, KEPT_STARTS)
