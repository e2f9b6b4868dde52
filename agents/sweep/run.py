"""Runs a sweep from the experiment to its recommendation: `python -m scripts.sweep CONFIG`."""

from __future__ import annotations

from agents.config.experiment import Experiment, check_settings, record_settings
from agents.prepare import ENCODED_BY, collect_rollouts
from agents.sweep.choice import Choice, recommend
from agents.sweep.trial import SweepTask
from agents.sweep.write import write_sweep
from worldvae.autoencoders.config import NetworkConfig, PretrainConfig
from worldvae.autoencoders.networks import check_network
from worldvae.autoencoders.objectives import Objective, WithBeta
from worldvae.errors import ConfigError, TrainingError
from worldvae.extras import importing
from worldvae.fields import variants_of
from worldvae.locks import locked


def sweep(experiment: Experiment) -> Choice:
    """Train the missing trials of the curve, draw it, and recommend a beta.

    An interrupted sweep resumes: finished trials are not repeated, the others resume from their
    checkpoints. More `sweep.trials` or another range add to the same curve. Raises ConfigError if
    Optuna is missing or the objective has no beta, TrainingError if no trial finished.
    """
    with importing("the sweep", "optuna"):
        from agents.sweep.curve import BetaCurve
    _check_objective(experiment.pretrain.objective)
    task, shared = SweepTask.of(experiment), _without_swept(experiment)
    folder = task.folder
    check_settings(folder, shared, ENCODED_BY)
    sizes = task.sweep.latents or (task.pretrain.latents,)
    for latents in sizes:
        network = task.pretrain.network.model_copy(update={"latents": latents})
        check_network(network, experiment.env.frame.shape)
    store = collect_rollouts(experiment)
    with locked(folder, "sweep"):
        record_settings(folder, shared, ENCODED_BY)
        curves = [BetaCurve(task, latents) for latents in sorted(sizes)]
        for curve in curves:
            curve.run()
        points = [point for curve in curves for point in curve.points()]
        if not points:
            raise TrainingError(f"no trial of {folder} finished; its trial.log files say why")
        choice = recommend(points)
        states = {setting: state for curve in curves for setting, state in curve.states().items()}
        write_sweep(task, store, choice, states)
    return choice


def _check_objective(objective: Objective) -> None:
    if not isinstance(objective, WithBeta):
        kinds = variants_of(PretrainConfig.model_fields["objective"])
        names = [name for name, kind in kinds.items() if issubclass(kind, WithBeta)]
        raise ConfigError(
            f"pretrain.objective {objective.name} has no beta to sweep; "
            f"use one of {', '.join(names)}"
        )


def _without_swept(experiment: Experiment) -> Experiment:
    """Return the settings that all trials share, with default beta and latents."""
    beta = WithBeta.model_fields["beta"].default
    objective = experiment.pretrain.objective.model_copy(update={"beta": beta})
    latents = NetworkConfig.model_fields["latents"].default
    pretrain = experiment.pretrain.model_copy(update={"objective": objective, "latents": latents})
    return experiment.model_copy(update={"pretrain": pretrain})
