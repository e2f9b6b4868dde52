"""From an experiment to its gap report: `python -m scripts.gap CONFIG`."""

from __future__ import annotations

from pathlib import Path

from agents.config.experiment import Experiment
from agents.gap.agents import find_dreamers, read_promises
from agents.gap.competitors import scripted_competitors
from agents.gap.film import FILM, RecordedStart, film_start
from agents.gap.gap_file import GAP, GapReport
from agents.gap.page import write_gap_page
from agents.gap.run import Contest
from agents.gap.worlds import RunWorlds
from agents.prepare import learn_latent_dynamics
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.checkpoint import read_dynamics_card
from worldvae.errors import ConfigError
from worldvae.files import locked
from worldvae.rollouts import RolloutStore
from worldvae.training.device import torch_device


def examine_gap(experiment: Experiment) -> GapReport:
    """Play the policies of `experiment.gap` in both worlds; write gap.json, gap.html and the film.

    Missing rollouts, encoder and dynamics are made first. What was played before is not played
    again, unless something that decides it has changed.
    """
    _check_seeds(experiment)
    dynamics = learn_latent_dynamics(experiment)
    worlds = RunWorlds(
        experiment.env,
        experiment.gap,
        experiment.dream.settings,
        dynamics,
        torch_device(experiment.device),
    )
    with locked(experiment.gap_folder, "gap"):
        contest, skipped = _contest(experiment, worlds)
        report = contest.report(skipped, tuple(read_promises(experiment.folder)))
        _film(experiment, worlds, report.temperature)
        write_gap_page(report, experiment.gap_folder)
        GAP.write(experiment.gap_folder, report)
    return report


def _contest(experiment: Experiment, worlds: RunWorlds) -> tuple[Contest, list[str]]:
    """Return who plays where, and why some agents do not."""
    config, skipped = experiment.gap, list[str]()
    collected = {record.policy for record in RolloutStore(experiment.rollouts_folder).healthy()}
    competitors = scripted_competitors(
        config, worlds.action_space, experiment.rollouts, collected, experiment.seed
    )
    if config.agents:
        deterministic = experiment.evaluation.deterministic
        agents, skipped = find_dreamers(experiment.folder, worlds.dynamics_sha256, deterministic)
        competitors += agents
    if len(competitors) < 2:
        raise ConfigError(
            f"gap: {len(competitors)} policies cannot be ranked; set gap.usual: true, or name more "
            "in gap.policies"
        )
    contest = Contest(
        competitors,
        worlds,
        config,
        experiment.dream.temperature,
        experiment.gap_folder,
        experiment.seed,
    )
    return contest, skipped


def _film(experiment: Experiment, worlds: RunWorlds, temperature: float) -> None:
    """Film the longest test episode beside its dream; an old film is replaced."""
    path: Path = experiment.gap_folder / FILM
    store = RolloutStore(experiment.rollouts_folder)
    card = read_dynamics_card(worlds.dynamics)
    start = RecordedStart.read(store, card, worlds.action_space)
    if start is None:
        path.unlink(missing_ok=True)
        return
    encoder = Encoder.load(experiment.encoder_folder)
    film_start(start, encoder, worlds.dynamics, temperature, experiment.seed, path)


def _check_seeds(experiment: Experiment) -> None:
    """Raise ConfigError if an evaluation has seeds that the gap's episodes may begin from."""
    first, last = experiment.gap.seeds
    evaluation = experiment.evaluation
    if evaluation.seed <= last and first < evaluation.seed + evaluation.episodes:
        raise ConfigError(
            f"gap.seed = {first} to {last} are seeds of the evaluation, too "
            f"(evaluation.seed = {evaluation.seed}); choose another gap.seed"
        )
