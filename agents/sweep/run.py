"""A sweep from the experiment to its verdict: `python -m scripts.sweep CONFIG`."""

from __future__ import annotations

from agents.config.experiment import Experiment, check_settings, record_settings
from agents.prepare import ENCODED_BY, collect_rollouts
from agents.sweep.choice import Choice, recommend
from agents.sweep.write import write_sweep
from worldvae.autoencoders.config import AutoencoderConfig, PretrainConfig
from worldvae.errors import ConfigError, TrainingError
from worldvae.files import locked

WITH_BETA = ("beta_vae", "beta_tcvae", "dip_vae")


def sweep(experiment: Experiment) -> Choice:
    """Train what is missing of the curve, draw it, and recommend a beta.

    Killed at any moment, the same command goes on: finished trials are not repeated, the others
    go on from their checkpoints. More `sweep.trials` or another range add to the same curve.
    """
    try:
        from agents.sweep.curve import BetaCurve
    except ModuleNotFoundError as error:
        if error.name != "optuna":
            raise
        raise ConfigError("the sweep needs Optuna: pip install 'optuna>=4.5'") from None
    _check_objective(experiment.pretrain.autoencoder)
    folder, shared = experiment.sweep_folder, _without_swept(experiment)
    check_settings(folder / "settings.yaml", shared, ENCODED_BY)
    store = collect_rollouts(experiment)
    with locked(folder, "sweep"):
        record_settings(folder / "settings.yaml", shared, ENCODED_BY)
        sizes = experiment.sweep.latents or (experiment.pretrain.latents,)
        curves = [BetaCurve(experiment, latents) for latents in sorted(sizes)]
        for curve in curves:
            curve.run()
        points = [point for curve in curves for point in curve.points()]
        if not points:
            raise TrainingError(f"no trial of {folder} finished; its trial.log files say why")
        choice = recommend(points)
        states = {setting: state for curve in curves for setting, state in curve.states().items()}
        write_sweep(experiment, store, choice, states)
    return choice


def _check_objective(config: AutoencoderConfig) -> None:
    if config.objective.name not in WITH_BETA:
        raise ConfigError(
            f"pretrain.objective {config.objective.name} has no beta to sweep; "
            f"use one of {', '.join(WITH_BETA)}"
        )


def _without_swept(experiment: Experiment) -> Experiment:
    """What all trials share: beta and latents are theirs to choose."""
    neutral = {name: PretrainConfig.model_fields[name].default for name in ("beta", "latents")}
    pretrain = experiment.pretrain.model_copy(update=neutral)
    return experiment.model_copy(update={"pretrain": pretrain})
