"""What a comparison found over several environments, on scores between two known returns.

Every environment has a report of its own; this one puts them together.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

import numpy as np

from agents.report.records import ENOUGH_SEEDS, Run
from worldvae import html
from worldvae.comparison_plots import improvement_probabilities, performance_profiles
from worldvae.files import atomic_write_text
from worldvae.stats import (
    Array,
    Estimate,
    TaskStatistic,
    interquartile_mean_of_tasks,
    mean_of_tasks,
    median_of_tasks,
    normalise,
    optimality_gap,
    performance_profile,
    stratified_estimate,
    stratified_improvement,
)

HEADER = ("env", "arm", "seed", "return", "normalised")
AGGREGATES: Mapping[str, TaskStatistic] = {
    "IQM": interquartile_mean_of_tasks,
    "median": median_of_tasks,
    "mean": mean_of_tasks,
    "optimality gap": optimality_gap,
}
THRESHOLDS = np.linspace(0, 1.5, 61)


@dataclass(frozen=True)
class Task:
    """The comparison in one environment, and the returns that are 0 and 1 of its scale."""

    run: Run
    random: float
    reference: float

    def scores(self, arm: str) -> Array:
        """Mean returns of the finished seeds of `arm`: (S,)."""
        return np.array([result.score for result in self.run.finished(arm).values()])

    def normalised(self, arm: str) -> Array:
        """The same on the common scale: (S,)."""
        return normalise(self.scores(arm), self.random, self.reference)


@dataclass(frozen=True)
class Overall:
    """Arms that have finished in every environment, and what they reached over all of them."""

    tasks: Mapping[str, Task]
    aggregates: Mapping[str, Mapping[str, Estimate]]
    """Arm -> name of the statistic -> its value; the seeds of each environment are a stratum."""
    improvements: Mapping[tuple[str, str], Estimate]

    @property
    def arms(self) -> Sequence[str]:
        return list(self.aggregates)

    @property
    def fewest(self) -> int:
        """Seeds of the arm and environment with the fewest."""
        return min((found["IQM"].n for found in self.aggregates.values()), default=0)

    def scores(self, arm: str) -> dict[str, Array]:
        """Environment -> normalised scores (S,) of `arm`."""
        return {env_id: task.normalised(arm) for env_id, task in self.tasks.items()}


def overall(tasks: Mapping[str, Task], generator: np.random.Generator) -> Overall:
    """All statistics over `tasks`; arms with a hole in some environment are left out."""
    arms = dict.fromkeys(arm for task in tasks.values() for arm in task.run.arms)
    whole = [arm for arm in arms if all(task.run.finished(arm) for task in tasks.values())]
    scores = {arm: {name: task.normalised(arm) for name, task in tasks.items()} for arm in whole}
    return Overall(
        tasks,
        {
            arm: {
                name: stratified_estimate(scores[arm], statistic, generator)
                for name, statistic in AGGREGATES.items()
            }
            for arm in whole
        },
        {
            (first, second): stratified_improvement(scores[first], scores[second], generator)
            for first, second in combinations(whole, 2)
        },
    )


def words(found: Overall) -> list[str]:
    """The verdict, which claims no more than the seeds allow."""
    if not found.arms:
        return ["No arm has finished in every environment yet, so nothing is put together."]
    scores = ", ".join(f"{arm} {_value(found.aggregates[arm]['IQM'])}" for arm in found.arms)
    first = (
        f"IQM of normalised scores over {len(found.tasks)} environments and at least "
        f"n = {found.fewest} seeds in each: {scores}."
    )
    if found.fewest < ENOUGH_SEEDS:
        return [first, f"Under {ENOUGH_SEEDS} seeds no arm is called preferable."]
    claims = [words for pair in found.improvements if (words := _claim(found, pair))]
    return [first, *(claims or ["No arm did better than another beyond what chance explains."])]


def write_several(folder: Path, tasks: Mapping[str, Task]) -> Path:
    """Write `scores.csv`, `report.html` and `report.md` over `tasks` into `folder`; the page."""
    generator = np.random.default_rng(0)
    found = overall(tasks, generator)
    atomic_write_text(folder / "scores.csv", _csv(tasks))
    atomic_write_text(folder / "report.md", _markdown(folder, found))
    page = folder / "report.html"
    atomic_write_text(page, _page(folder, found, generator))
    return page


def overall_table(found: Overall) -> list[list[str]]:
    """A row an arm: its name and every aggregate with its interval; the first row names them."""
    rows = [[arm, *map(_value, found.aggregates[arm].values())] for arm in found.arms]
    return [["arm", *AGGREGATES], *rows]


def task_table(found: Overall) -> list[list[str]]:
    """A row an environment: the two ends of its scale, and the mean return of every arm."""
    arms = list(dict.fromkeys(arm for task in found.tasks.values() for arm in task.run.arms))
    rows = [
        [env_id, f"{task.random:g}", f"{task.reference:g}", *(_mean(task, arm) for arm in arms)]
        for env_id, task in found.tasks.items()
    ]
    return [["environment", "random", "reference", *arms], *rows]


def _page(folder: Path, found: Overall, generator: np.random.Generator) -> str:
    sections = [
        html.box("verdict", "verdict", "Verdict", *map(html.paragraph, words(found))),
        _section("arms", "The arms over all environments", overall_table(found)),
        _section("tasks", "Each environment", task_table(found)),
        _figures(found, generator),
        html.section("reports", "Report of each environment", html.bullets(_reports(found))),
    ]
    lede = " · ".join(found.tasks)
    return html.document("worldvae comparison", folder.resolve().name, lede, sections)


def _figures(found: Overall, generator: np.random.Generator) -> str:
    if not found.arms:
        return ""
    profiles = {
        arm: performance_profile(found.scores(arm), THRESHOLDS, generator) for arm in found.arms
    }
    names = ", ".join(found.arms)
    drawings = [
        html.drawing(
            performance_profiles(profiles, "normalised score"),
            f"Performance profiles over all environments: {names}",
            "Share of runs above each normalised score, averaged over environments; band: 95 % "
            "interval at each point. Higher is better.",
        )
    ]
    if found.improvements:
        drawings.append(
            html.drawing(
                improvement_probabilities(found.improvements),
                f"Probability of improvement between arms: {names}",
                "How probably a random seed of the first arm scores above one of the second in "
                "the same environment, averaged over environments.",
            )
        )
    return html.section("figures", "Profiles", html.beside(*drawings))


def _section(name: str, title: str, rows: Sequence[Sequence[str]]) -> str:
    if len(rows) < 2:
        return ""
    header, *body = rows
    cells: list[tuple[str, list[html.Cell]]] = [
        (first, [(value, "") for value in rest]) for first, *rest in body
    ]
    return html.section(name, title, html.table(header, cells))


def _markdown(folder: Path, found: Overall) -> str:
    tables = [_markdown_table(table(found)) for table in (overall_table, task_table)]
    reports = "\n".join(f"- {line}" for line in _reports(found))
    return "\n\n".join([f"# {folder.resolve().name}", *words(found), *tables, reports]) + "\n"


def _markdown_table(rows: Sequence[Sequence[str]]) -> str:
    header, *body = rows
    lines = [header, ["---"] * len(header), *body]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _reports(found: Overall) -> list[str]:
    return [f"{env_id}: {task.run.folder.name}/report.html" for env_id, task in found.tasks.items()]


def _csv(tasks: Mapping[str, Task]) -> str:
    table = io.StringIO()
    writer = csv.writer(table, lineterminator="\n")
    writer.writerow(HEADER)
    for env_id, task in tasks.items():
        for arm in task.run.arms:
            seeds = zip(task.run.finished(arm), task.scores(arm), task.normalised(arm), strict=True)
            writer.writerows((env_id, arm, *row) for row in seeds)
    return table.getvalue()


def _claim(found: Overall, pair: tuple[str, str]) -> str:
    """A sentence where the interval of the probability leaves one half out."""
    chance, (first, second) = found.improvements[pair], pair
    if not np.isfinite(chance.low) or chance.low <= 0.5 <= chance.high:
        return ""
    better, worse = (first, second) if chance.low > 0.5 else (second, first)
    return f"{better} did better than {worse}: P({first} > {second}) = {_value(chance)}."


def _mean(task: Task, arm: str) -> str:
    scores = task.scores(arm)
    return f"{scores.mean():.4g} (n = {len(scores)})" if len(scores) else "not finished"


def _value(found: Estimate) -> str:
    interval = f" ({found.low:.2f} to {found.high:.2f})" if np.isfinite(found.low) else ""
    return f"{found.value:.2f}{interval}"
