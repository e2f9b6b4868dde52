"""Scores a trained agent once more, on the evaluation episodes of its configuration."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from agents.arms.registry import env_steps_of
from agents.config.experiment import Experiment
from agents.policy.agent import Agent
from agents.policy.evaluate import Score, evaluate
from agents.run.agent_card import read_card
from agents.run.agent_files import is_finished
from agents.run.agent_result import success_rate
from agents.run.code import warn_of_other_code
from worldvae.envs.world import RealWorld
from worldvae.seeding import numpy_stream
from worldvae.stats import Resampling, episode_interval, mean
from worldvae.wording import percent, places


def rescore(experiment: Experiment, arm: str, seed: int, backend: str) -> Iterator[str]:
    """Yield a line of comma-separated values for each episode, below a header, and their mean.

    The environment is that of `backend`, a value of `env.backend`. Raises ArtifactError if there is
    no agent of that arm and seed.
    """
    settings = experiment.evaluation
    folder = experiment.agent_folder(arm, seed)
    agent = Agent.load(folder, experiment.env, settings.deterministic)
    warn_of_other_code(experiment)
    world = RealWorld(experiment.env.as_evaluated().model_copy(update={"backend": backend}))
    seeds = range(settings.seed, settings.seed + settings.episodes)
    scores = evaluate(agent, world, seeds, settings.num_envs)
    trained = f" after {env_steps_of(arm, read_card(folder).trained_steps)}, unfinished,"
    name = f"{arm} seed {seed}{'' if is_finished(folder) else trained} in {backend}"
    resampling = Resampling(numpy_stream(experiment.seed, "evaluate"))
    yield from score_lines(name, scores, resampling)


def score_lines(name: str, scores: Sequence[Score], resampling: Resampling) -> Iterator[str]:
    """Yield a line of comma-separated values for each score, below a header, and their mean."""
    decimals = max(1, places(score.return_ for score in scores))
    yield from _table(scores, decimals)
    yield f"{name}: {_summary(scores, decimals, resampling)}"


def _table(scores: Sequence[Score], decimals: int) -> Iterator[str]:
    tells_success = any(score.success is not None for score in scores)
    yield "seed,return,decisions" + ",success" * tells_success
    for score in scores:
        success = "" if score.success is None else f"{score.success:d}"
        yield (
            f"{score.seed},{score.return_:.{decimals}f},{score.length}"
            + f",{success}" * tells_success
        )


def _summary(scores: Sequence[Score], decimals: int, resampling: Resampling) -> str:
    returns = np.array([score.return_ for score in scores])
    low, high = episode_interval(returns, mean, resampling)
    spread = f"{returns.std(ddof=1):.{decimals}f}" if len(returns) > 1 else "n/a"
    succeeded = success_rate([score.success for score in scores])
    share = "" if succeeded is None else f", {percent(succeeded)} of {len(scores)} succeeded"
    known = f"95 % interval over {len(returns)} episodes {low:.{decimals}f} to {high:.{decimals}f}"
    interval = known if len(returns) > 1 else "one episode has no interval"
    return f"mean {returns.mean():.{decimals}f}, {interval}, standard deviation {spread}{share}"
