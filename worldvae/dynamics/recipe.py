"""How dynamics are made: what a folder of them notes, and what they begin with."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.dynamics.checkpoint import load_dynamics, read_dynamics_card
from worldvae.dynamics.config import DynamicsConfig
from worldvae.dynamics.dynamics_data import DynamicsData
from worldvae.dynamics.dynamics_files import DYNAMICS_CONFIG, DynamicsModelConfig
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.sequences import hash_episodes
from worldvae.errors import ArtifactError
from worldvae.fingerprint import MADE_WITH, Fingerprint
from worldvae.rollouts import RolloutStore


@dataclass(frozen=True)
class Recipe:
    """The settings of dynamics, their seed, and the folder of those that they go on from."""

    section: Literal["dynamics", "initial"]
    """Where `made_with.yaml` holds the settings: those of trained dynamics, or of a control."""
    config: DynamicsConfig
    seed: int
    begin_with: Path | None

    def read_data(
        self, store: RolloutStore, encoder: Path, folder: Path, device: str = "cpu"
    ) -> DynamicsData:
        """Return the data of dynamics in `folder`, which is then for them alone.

        Keys stay in the units of the dynamics to go on from, whose weights would misread others.
        Raises ArtifactError if the folder is for other dynamics, or as `DynamicsData.read` does.
        """
        keys = None if self.begin_with is None else read_dynamics_card(self.begin_with).keys
        data = DynamicsData.read(store, encoder, self.config, folder, device, keys)
        self._made_with(data.data_sha256, data.encoder_sha256).claim(folder)
        return data

    def initial(self, data: DynamicsData) -> Dynamics:
        """Return dynamics before their training: new ones, or those to go on from.

        Raises ArtifactError if these are another network.
        """
        model = data.model(self.config, self.seed)
        if self.begin_with is None:
            return model
        before = load_dynamics(self.begin_with)[0]
        sizes = {"objective"}
        if before.config.model_dump(exclude=sizes) != model.config.model_dump(exclude=sizes):
            raise ArtifactError(
                f"{self.begin_with} holds another network than this config's; "
                "learn new dynamics instead"
            )
        model.go_on_from(before)
        return model

    def check_finished(self, folder: Path, store: RolloutStore, encoder: Path) -> None:
        """Raise ArtifactError if finished dynamics in `folder` are others, or of another encoder.

        They stay when more frames are collected, and a warning says so. Without `made_with.yaml`
        their model and their encoder are compared all the same.
        """
        card, found = read_dynamics_card(folder), DYNAMICS_CONFIG.read(folder).dynamics
        digest = hash_encoder(encoder)
        self._made_with(card.data_sha256, digest).check_file(folder / MADE_WITH)
        made = {self.section: _model_settings(found), "encoder_sha256": card.encoder_sha256}
        wanted = {self.section: _model_settings(self.config), "encoder_sha256": digest}
        Fingerprint(wanted).check(Fingerprint(made), folder)
        training = [record for record in store.records if record.split == "train"]
        if (folder / MADE_WITH).exists() and card.data_sha256 != hash_episodes(training):
            warnings.warn(
                f"{folder}: these dynamics were not learnt from all {len(training)} training "
                f"episodes that {store.folder} holds now; they are taken as they are, new ones "
                "need another folder",
                stacklevel=3,
            )

    def _made_with(self, data_sha256: str, encoder_sha256: str) -> Fingerprint:
        settings = self.config.model_dump(mode="json", exclude={"max_minutes"})
        wanted: dict[str, Any] = {self.section: settings, "seed": self.seed}
        wanted |= {"data_sha256": data_sha256, "encoder_sha256": encoder_sha256}
        if self.begin_with is not None:
            wanted["begins_with"] = read_dynamics_card(self.begin_with).data_sha256
        return Fingerprint(wanted)


def _model_settings(config: DynamicsConfig | DynamicsModelConfig) -> dict[str, Any]:
    return config.network.model_dump(mode="json") | config.objective.model_dump(mode="json")
