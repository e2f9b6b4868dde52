"""How a report grows with the agents that were compared, and with their evaluation episodes."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from agents.arms.registry import LATENT, PIXELS
from agents.benchmark.bench import Bench
from agents.benchmark.measure import Side, Stopwatch
from agents.benchmark.scaling.curve import ScalingCurve, measure_curve
from agents.report.html import write_report
from agents.report.summary import summarise
from agents.run.agent_result import (
    EPISODES,
    EVALUATIONS,
    RESULT,
    AgentResult,
    Evaluation,
    FinalEvaluation,
    TrainingEpisode,
)
from agents.run.load import read_run
from worldvae.stats import Resampling

EVALUATED = 20
"""Evaluations during the training of an agent, and as many episodes of training between them."""


def report_curves(bench: Bench) -> list[ScalingCurve]:
    """Measure reports of made-up agents of two arms, from reading the folder to the page."""
    settings, stage = bench.config.scaling, "report"
    with bench.scratch() as folder:

        def by_seeds(seeds: int) -> Side:
            return _report(_write_run(folder, seeds, settings.episodes[0]))

        def by_episodes(episodes: int) -> Side:
            return _report(_write_run(folder, settings.seeds[0], episodes))

        by_arm = ("seeds of each of two arms", "s")
        by_played = ("evaluation episodes of a seed", "s")
        return [
            measure_curve(bench, stage, by_arm, 1, settings.seeds, by_seeds),
            measure_curve(bench, stage, by_played, 1, settings.episodes, by_episodes),
        ]


def _report(folder: Path) -> Side:
    """Return a side that reads the run in `folder` and writes its report."""

    def side(_: Stopwatch) -> float:
        run = read_run(folder)
        write_report(run, summarise(run, Resampling.seeded(0)))
        return 1

    return side


def _write_run(folder: Path, seeds: int, episodes: int) -> Path:
    """Write agents of two arms, with so many seeds and evaluation episodes; return their folder."""
    run = folder / f"{seeds}_{episodes}"
    for arm in (LATENT.name, PIXELS.name):
        for seed in range(seeds):
            _write_agent(run, arm, seed, episodes)
    return run


def _write_agent(run: Path, arm: str, seed: int, episodes: int) -> None:
    """Write the logs and the result of an agent whose returns are drawn at random."""
    folder = run / "agents" / arm / f"seed_{seed}"
    returns = np.random.default_rng(seed).normal(500, 100, episodes).tolist()
    for index in range(1, EVALUATED + 1):
        moment = {"env_steps": 1_000 * index, "seconds": 10.0 * index}
        told = {"returns": returns[:10], "lengths": [100] * len(returns[:10])}
        costs = {"cpu_seconds": None, "refresh_env_steps": 0, "refresh_seconds": 0.0}
        EVALUATIONS.append(folder, Evaluation.model_validate({**moment, **told, **costs}))
        line = {**moment, "return": returns[0], "length": 100}
        EPISODES.append(folder, TrainingEpisode.model_validate(line))
    RESULT.write(folder, _result(arm, seed, returns))


def _result(arm: str, seed: int, returns: list[float]) -> AgentResult:
    final = FinalEvaluation(
        env_id="CarRacing-v3",
        deterministic=True,
        seeds=tuple(range(len(returns))),
        returns=tuple(returns),
        lengths=(100,) * len(returns),
        successes=(None,) * len(returns),
    )
    return AgentResult(
        arm=arm,
        algorithm="PPO",
        seed=seed,
        env_steps=1_000 * (EVALUATED + 1),
        seconds=10.0 * (EVALUATED + 1),
        cpu_seconds=None,
        peak_memory=None,
        evaluation_seconds=None,
        refreshes=0,
        refresh_env_steps=0,
        refresh_seconds=0.0,
        refresh_cpu_seconds=0.0,
        parameters_trained=1,
        parameters_frozen=0,
        command="",
        versions={},
        evaluation=final,
        otherwise=None,
        files=None,
    )
