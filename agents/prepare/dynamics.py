"""Makes the dynamics of an experiment's latents, and checks how far they can be trusted."""

from __future__ import annotations

from pathlib import Path

from agents.config.experiment import Experiment, check_settings
from agents.prepare.encoder import pretrain_encoder
from agents.prepare.sections import LEARNED_BY, making
from agents.run.command import exact_command
from worldvae.diagnostics.fidelity.check import check_fidelity, write_fidelity
from worldvae.diagnostics.fidelity.rules.evidence import Fidelity
from worldvae.dynamics.checkpoint import read_dynamics_card
from worldvae.dynamics.dynamics_files import DYNAMICS_CONFIG, LEARNING
from worldvae.dynamics.learn import learn_dynamics, make_untrained_dynamics
from worldvae.files import if_writable
from worldvae.rollouts import RolloutStore
from worldvae.training.device import torch_device


def learn_latent_dynamics(experiment: Experiment) -> Path:
    """Learn the dynamics of the experiment's latents if they are missing; return their folder."""
    folder = experiment.dynamics_folder
    check_settings(folder, experiment, LEARNED_BY)
    if LEARNING.is_whole(folder):
        return folder
    pretrain_encoder(experiment, for_dynamics=True)
    with making(experiment, folder, LEARNED_BY, "learning of dynamics"):
        learn_dynamics(
            RolloutStore(experiment.rollouts_folder),
            experiment.encoder_folder,
            experiment.dynamics,
            folder,
            experiment.seed,
            torch_device(experiment.device),
        )
    return folder


def examine_dynamics(experiment: Experiment) -> Fidelity:
    """Check how far dreams can be trusted; print the verdict and write it to the dynamics' folder.

    The check is made on test episodes, which no model was trained on; validation episodes choose
    the horizon and the temperature that are advised.
    """
    folder, store = experiment.dynamics_folder, RolloutStore(experiment.rollouts_folder)
    fidelity = check_fidelity(
        folder,
        experiment.encoder_folder,
        store,
        experiment.seed,
        exact_command(),
        burn_in=experiment.dream.burn_in,
    )
    with if_writable():
        write_fidelity(fidelity, folder)
    print(fidelity.summary())
    if advice := advise_horizon(experiment.dream.horizon, fidelity):
        print(advice)
    print(f"all of the check: {folder}/fidelity.html")
    return fidelity


def advise_horizon(horizon: int, check: Fidelity) -> str:
    """Return a line for dreams of `horizon` decisions, if `check` knows only of fewer; else "".

    Dreams that are trusted for none need more than an end, and the verdict says so.
    """
    judged = check.codes.horizons[-1]
    if not 0 < check.trusted < horizon:
        return ""
    if check.trusted == judged:
        return (
            f"dream.horizon: {horizon} is longer than the {judged} decisions that were judged: "
            "what dreams are like beyond is not known; see the gap report (python -m scripts.gap)"
        )
    return (
        f"dream.horizon: {horizon} lets agents practise beyond the {check.trusted} decisions for "
        f"which dreams are trusted; {check.trusted} ends dreams there, and agents learn what "
        "follows from their own estimate of the last observation's value"
    )


def describe_dynamics(folder: Path) -> str:
    """Describe the dynamics in `folder` in a few lines."""
    card, result = read_dynamics_card(folder), LEARNING.read(folder)
    keys = "".join(f", {key.name} ({key.size})" for key in card.keys)
    return (
        f"{folder}: {result.parameters:,} weights, {card.actions.size} numbers in an action{keys}\n"
        f"{_describe_error(result.metrics)}, at step {result.best_step:,} of {result.steps:,}, in "
        f"{result.seconds / 60:.1f} minutes"
    )


def _describe_error(metrics: dict[str, float]) -> str:
    """Describe what the weights were chosen by; windows may be too short to run freely."""
    free = {name: value for name, value in metrics.items() if name.startswith("free_")}
    if not free:
        return f"held-out cost {metrics['loss']:.3f} nats a decision, none of which ran freely"
    parts = ", ".join(f"{name.removeprefix('free_')} {value:.3f}" for name, value in free.items())
    return f"held-out error of running freely {metrics['loss']:.3f} ({parts}; useless: about 1)"


def prepare_untrained_dynamics(experiment: Experiment) -> Path:
    """Make the control arm's dynamics, the same network with its initial weights."""
    folder = experiment.untrained_dynamics_folder
    check_settings(folder, experiment, LEARNED_BY)
    if DYNAMICS_CONFIG.exists(folder):
        return folder
    pretrain_encoder(experiment, for_dynamics=True)
    with making(experiment, folder, LEARNED_BY, "making of dynamics"):
        make_untrained_dynamics(
            RolloutStore(experiment.rollouts_folder),
            experiment.encoder_folder,
            experiment.dynamics,
            folder,
            experiment.seed,
        )
    return folder
