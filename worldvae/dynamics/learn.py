"""From a store of rollouts and an encoder to dynamics in a folder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, get_args

from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder, folder_of
from worldvae.dynamics.checkpoint import load_dynamics, read_dynamics_card, save_dynamics
from worldvae.dynamics.codes import CODES_FOLDER, encode_rollouts
from worldvae.dynamics.config import KEPT_BURN_IN, KEPT_STARTS, DynamicsConfig
from worldvae.dynamics.dynamics_files import (
    DYNAMICS_CONFIG,
    LEARNING,
    DynamicsCard,
    DynamicsModelConfig,
    KeyUnits,
)
from worldvae.dynamics.key_units import measure_keys
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.sequences import Sequences
from worldvae.dynamics.starts_file import save_starts
from worldvae.dynamics.units import measure_units
from worldvae.errors import ArtifactError
from worldvae.fingerprint import ANOTHER_FOLDER, MADE_WITH, Fingerprint
from worldvae.hub.download import local_folder
from worldvae.locks import locked
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.findings import check_followed
from worldvae.rollouts.limit import shown_limit
from worldvae.rollouts.manifest import Split
from worldvae.training.batches import check_not_empty
from worldvae.training.device import torch_device
from worldvae.training.fit import fit
from worldvae.training.run import drop_checkpoint
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


def learn_dynamics(
    store: RolloutStore,
    encoder: Encoder | str | Path,
    config: DynamicsConfig,
    folder: str | Path,
    seed: int = 0,
    device: str = "cpu",
    begin_with: str | Path | None = None,
) -> Dynamics:
    """Learn how the latents of `encoder` move in the episodes of `store`.

    The weights that err least when they run freely on validation episodes are kept. A folder with
    `result.json` is done and only loaded; any other goes on from its checkpoint. The folder alone
    is then a dream: it holds real frames to begin from.

    Args:
        encoder: An `Encoder` that was loaded, its folder, or its address on the hub:
            hf://USER/NAME.
        device: Where it computes: cpu, cuda, or auto, a GPU if there is one.
        begin_with: A folder of dynamics to go on from, in the same units. Heads whose values do
            not reach as far as rewards, keys or classes do in `store` begin anew with new values.

    Raises ArtifactError if a split is empty or if the folder holds dynamics of other settings,
    frames or another encoder, and TrainingError if the loss diverges.
    """
    folder, encoder = Path(folder), folder_of(encoder)
    begin_with = None if begin_with is None else local_folder(begin_with, "dynamics")
    made_with = partial(_made_with, "dynamics", config, seed, begin_with)
    if LEARNING.exists(folder):
        LEARNING.read(folder)
        drop_checkpoint(folder)
        model = load_dynamics(folder, device)[0]
        _check_finished(folder, "dynamics", config, hash_encoder(encoder), made_with)
        return model
    with locked(folder, "learning", alone=True):
        data = DynamicsData.read(store, encoder, config, folder, device, _known_keys(begin_with))
        train, validation = data.windows["train"], data.windows["validation"]
        made_with(data.data_sha256, data.encoder_sha256).claim(folder)
        model, is_trained = _initial(data, config, seed, begin_with), begin_with is not None
        model.to(torch_device(device))
        fitted = fit(model, train, validation, config.fitting, folder, seed, is_trained)
        data.save_starts(folder)
        save_dynamics(folder, model, data.card(store, fitted.metrics, trained=True))
        LEARNING.write(folder, fitted)
        drop_checkpoint(folder)
    return load_dynamics(folder, device)[0]


def make_untrained_dynamics(
    store: RolloutStore,
    encoder: Encoder | str | Path,
    config: DynamicsConfig,
    folder: str | Path,
    seed: int = 0,
    begin_with: str | Path | None = None,
) -> Dynamics:
    """Make the control arm's dynamics: the same network with its initial weights.

    Units and starts are those of trained ones. A folder that holds them already is only loaded;
    ArtifactError if they are trained, or of other settings, frames or another encoder.

    Args:
        encoder: As of `learn_dynamics`.
        begin_with: A folder of such dynamics, of another encoder or of fewer episodes, from
            which these go on, too: with the weights and units with which trained ones learn on.
    """
    folder, encoder = Path(folder), folder_of(encoder)
    begin_with = None if begin_with is None else local_folder(begin_with, "dynamics")
    made_with = partial(_made_with, "initial", config, seed, begin_with)
    if DYNAMICS_CONFIG.exists(folder):
        model, card = load_dynamics(folder)
        if card.trained:
            raise ArtifactError(f"{folder} holds trained dynamics; {ANOTHER_FOLDER}")
        _check_finished(folder, "initial", config, hash_encoder(encoder), made_with)
        return model
    with locked(folder, "making of dynamics", alone=True):
        data = DynamicsData.read(store, encoder, config, folder, keys=_known_keys(begin_with))
        made_with(data.data_sha256, data.encoder_sha256).claim(folder)
        data.save_starts(folder)
        model = _initial(data, config, seed, begin_with)
        save_dynamics(folder, model, data.card(store, {}, trained=False))
    return load_dynamics(folder)[0]


def _made_with(
    section: str,
    config: DynamicsConfig,
    seed: int,
    begin_with: Path | None,
    data_sha256: str,
    encoder_sha256: str,
) -> Fingerprint:
    """Return what dynamics are made with; their settings stand in `section`."""
    settings = config.model_dump(mode="json", exclude={"max_minutes"})
    wanted: dict[str, Any] = {section: settings, "seed": seed}
    wanted |= {"data_sha256": data_sha256, "encoder_sha256": encoder_sha256}
    if begin_with is not None:
        wanted["begins_with"] = read_dynamics_card(begin_with).data_sha256
    return Fingerprint(wanted)


def _check_finished(
    folder: Path,
    section: str,
    config: DynamicsConfig,
    encoder_sha256: str,
    made_with: Callable[[str, str], Fingerprint],
) -> None:
    """Raise ArtifactError if the finished dynamics in `folder` are not of `config` and encoder.

    They stay when more frames are collected. Without `made_with.yaml` their model and their encoder
    are compared all the same.
    """
    card, found = read_dynamics_card(folder), DYNAMICS_CONFIG.read(folder).dynamics
    made_with(card.data_sha256, encoder_sha256).check_file(folder / MADE_WITH)
    made = {section: _model_settings(found), "encoder_sha256": card.encoder_sha256}
    wanted = {section: _model_settings(config), "encoder_sha256": encoder_sha256}
    Fingerprint(wanted).check(Fingerprint(made), folder)


def _model_settings(config: DynamicsConfig | DynamicsModelConfig) -> dict[str, Any]:
    return config.network.model_dump(mode="json") | config.objective.model_dump(mode="json")


def _known_keys(begin_with: Path | None) -> tuple[KeyUnits, ...] | None:
    """Return the units of the keys of the dynamics in `begin_with`; None if there are none.

    Weights that know a key in some units would misread it in others.
    """
    return None if begin_with is None else read_dynamics_card(begin_with).keys


def _initial(
    data: DynamicsData, config: DynamicsConfig, seed: int, begin_with: Path | None
) -> Dynamics:
    """Return dynamics before their training: new ones, or those in `begin_with`."""
    model = data.model(config, seed)
    if begin_with is not None:
        _go_on(model, begin_with)
    return model


def _go_on(model: Dynamics, folder: Path) -> None:
    """Let `model` go on from the dynamics in `folder`."""
    before = load_dynamics(folder)[0]
    sizes = {"objective"}
    if before.config.model_dump(exclude=sizes) != model.config.model_dump(exclude=sizes):
        raise ArtifactError(
            f"{folder} holds another network than this config's; learn new dynamics instead"
        )
    model.go_on_from(before)
