"""From an experiment to its gap report: `python -m scripts.gap CONFIG`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from agents.config.experiment import Experiment
from agents.dream.sources import DreamSources
from agents.gap.agents import find_dreamers, read_promises
from agents.gap.competitors import scripted_competitors
from agents.gap.film import FILM, RecordedStart, film_start
from agents.gap.gap_file import GAP, GapReport
from agents.gap.page import PAGE, write_gap_page
from agents.gap.run import GapRun
from agents.gap.worlds import RunWorlds
from agents.prepare import learn_latent_dynamics
from agents.run.code import warn_of_other_code
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.dynamics.checkpoint import check_steps, read_dynamics_card
from worldvae.errors import ConfigError
from worldvae.files import if_writable, user_errors
from worldvae.locks import locked
from worldvae.rollouts import RolloutStore
from worldvae.training.device import torch_device


@dataclass(frozen=True)
class ExaminedDream:
    """The folders of the dynamics that are dreamed, and of what they were made from."""

    dynamics: Path
    sources: DreamSources
    report: Path
    """The folder that the report is put into."""

    @classmethod
    def of(cls, experiment: Experiment) -> ExaminedDream:
        """Return the folders of `gap.dynamics`, or of the run, whose missing parts are made.

        Raises ArtifactError if `gap.dynamics` holds none, or some of decisions of other steps,
        ConfigError if they are of another environment.
        """
        chosen = experiment.gap.dynamics
        if chosen is None:
            own = learn_latent_dynamics(experiment)
            return cls(own, DreamSources.of(own, experiment), experiment.gap_folder)
        card, env = read_dynamics_card(chosen), experiment.env
        if card.env_id != env.id:
            raise ConfigError(
                f"gap.dynamics = {chosen}: dynamics of {card.env_id}, not of {env.id}"
            )
        check_steps(card, chosen, env.action_repeat, "this configuration")
        return cls(chosen, DreamSources.of(chosen, experiment), chosen / "gap")


def examine_gap(experiment: Experiment) -> tuple[GapReport, Path]:
    """Play the policies of `experiment.gap` in both worlds; write gap.json, gap.html and the film.

    Returns the report and the path of the page. Missing rollouts, encoder and dynamics of the run
    are made first. What was played before is not played again, unless something that decides it
    has changed.
    """
    _check_seeds(experiment)
    warn_of_other_code(experiment)
    examined = ExaminedDream.of(experiment)
    device = torch_device(experiment.device)
    settings = experiment.dream.settings
    worlds = RunWorlds(experiment.env, experiment.gap, settings, examined.dynamics, device)
    with locked(examined.report, "gap"):
        contest, skipped = _contest(experiment, worlds, examined)
        promises = read_promises(experiment.folder, worlds.dynamics_sha256, experiment.seed)
        report = contest.report(skipped, tuple(promises))
        with if_writable():
            _film(examined, worlds, report.temperature, experiment.seed)
            write_gap_page(report, examined.report)
            GAP.write(examined.report, report)
    return report, examined.report / PAGE


def _contest(
    experiment: Experiment, worlds: RunWorlds, examined: ExaminedDream
) -> tuple[GapRun, list[str]]:
    """Return who plays where, and why some agents do not."""
    config, skipped = experiment.gap, list[str]()
    collected = {record.policy for record in RolloutStore(examined.sources.rollouts).healthy()}
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
    contest = GapRun(
        competitors,
        worlds,
        config,
        experiment.dream.temperature,
        examined.report,
        experiment.seed,
    )
    return contest, skipped


def _film(examined: ExaminedDream, worlds: RunWorlds, temperature: float, seed: int) -> None:
    """Film the longest test episode beside its dream; an old film is replaced.

    There is none without a test episode, or if the encoder of the dynamics is not at hand.
    """
    path = examined.report / FILM
    card = read_dynamics_card(examined.dynamics)
    start = RecordedStart.read(RolloutStore(examined.sources.rollouts), card, worlds.action_space)
    if start is None or hash_encoder(examined.sources.encoder) != card.encoder_sha256:
        with user_errors(path):
            path.unlink(missing_ok=True)
        return
    encoder = Encoder.load(examined.sources.encoder)
    film_start(start, encoder, examined.dynamics, temperature, seed, path)


def _check_seeds(experiment: Experiment) -> None:
    """Raise ConfigError if an evaluation has seeds that the gap's episodes may begin from."""
    first, last = experiment.gap.seeds
    evaluation = experiment.evaluation
    if evaluation.seed <= last and first < evaluation.seed + evaluation.episodes:
        raise ConfigError(
            f"gap.seed = {first} to {last} are seeds of the evaluation, too "
            f"(evaluation.seed = {evaluation.seed}); choose another gap.seed"
        )
