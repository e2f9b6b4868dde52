"""From a store of rollouts and an encoder to dynamics in a folder."""

from __future__ import annotations

from pathlib import Path

from worldvae.autoencoders.encoder import Encoder, folder_of
from worldvae.dynamics.checkpoint import load_dynamics, save_dynamics
from worldvae.dynamics.config import DynamicsConfig
from worldvae.dynamics.dynamics_files import DYNAMICS_CONFIG, LEARNING
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.recipe import Recipe
from worldvae.errors import ArtifactError
from worldvae.fingerprint import ANOTHER_FOLDER
from worldvae.hub.download import local_folder
from worldvae.locks import locked
from worldvae.rollouts import RolloutStore
from worldvae.training.device import torch_device
from worldvae.training.fit import fit
from worldvae.training.run import drop_checkpoint


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

    Raises ArtifactError if a split is empty or if the folder holds dynamics of other settings or
    of another encoder, or unfinished ones of other episodes; finished ones are loaded, and a
    warning says that episodes were added or are others. TrainingError if the loss diverges.
    """
    folder, encoder = Path(folder), folder_of(encoder)
    recipe = Recipe("dynamics", config, seed, _local(begin_with))
    if LEARNING.exists(folder):
        LEARNING.read(folder)
        drop_checkpoint(folder)
        model = load_dynamics(folder, device)[0]
        recipe.check_finished(folder, store, encoder)
        return model
    with locked(folder, "learning", alone=True):
        data = recipe.read_data(store, encoder, folder, device)
        train, validation = data.windows["train"], data.windows["validation"]
        model, is_trained = recipe.initial(data), begin_with is not None
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

    Units and starts are those of trained ones. A folder that holds them already is only loaded,
    with a warning if `store` holds other episodes; ArtifactError if they are trained, or of other
    settings or another encoder.

    Args:
        encoder: As of `learn_dynamics`.
        begin_with: A folder of such dynamics, of another encoder or of fewer episodes, from
            which these go on, too: with the weights and units with which trained ones learn on.
    """
    folder, encoder = Path(folder), folder_of(encoder)
    recipe = Recipe("initial", config, seed, _local(begin_with))
    if DYNAMICS_CONFIG.exists(folder):
        model, card = load_dynamics(folder)
        if card.trained:
            raise ArtifactError(f"{folder} holds trained dynamics; {ANOTHER_FOLDER}")
        recipe.check_finished(folder, store, encoder)
        return model
    with locked(folder, "making of dynamics", alone=True):
        data = recipe.read_data(store, encoder, folder)
        data.save_starts(folder)
        save_dynamics(folder, recipe.initial(data), data.card(store, {}, trained=False))
    return load_dynamics(folder)[0]


def _local(dynamics: str | Path | None) -> Path | None:
    return None if dynamics is None else local_folder(dynamics, "dynamics")
