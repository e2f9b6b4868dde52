"""Tells two arms of different comparisons apart, by the rule of the reports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from agents.report.arm_summary import summarise_arm
from agents.report.budgets import EqualBudget
from agents.report.claims import claims
from agents.report.decimals import Decimals, shown_p
from agents.report.pair import Pair, Side, compare_pair
from agents.report.success import SuccessRule
from agents.report.summary import unequal
from agents.report.tables.terminal import summary_table
from agents.run.deciding import deciding
from agents.run.published import read_published
from agents.run.records import ENOUGH_SEEDS, Run
from worldvae.errors import ArtifactError, ConfigError
from worldvae.fingerprint import flatten
from worldvae.stats import Resampling


def tell_apart(first: tuple[Path, str], second: tuple[Path, str]) -> Iterator[str]:
    """Yield what is known of the difference of two arms, (folder, arm) each, in lines.

    Folders are those of runs, or published ones with their logs in an archive. Raises ArtifactError
    if none of an arm's agents has finished, ConfigError if they were scored in two environments.
    """
    resampling = Resampling.seeded(0)
    folders = [folder for folder, _ in (first, second)]
    runs = [_read(*given) for given in (first, second)]
    success = SuccessRule.of(*runs)
    sides = [
        Side(run, summarise_arm(run, arm, success, resampling))
        for run, (_, arm) in zip(runs, (first, second), strict=True)
    ]
    names = _names(sides, folders)
    a, b = (replace(side, name=name) for side, name in zip(sides, names, strict=True))
    envs = [side.run.finished(side.summary.arm) for side in (a, b)]
    scored = [next(iter(results.values())).evaluation.env_id for results in envs]
    if len({*scored}) > 1:
        raise ConfigError(f"{a.name} was scored in {scored[0]}, {b.name} in {scored[1]}")
    yield from dict.fromkeys(
        f"{folder}: {line}"
        for side, folder in zip((a, b), folders, strict=True)
        for line in side.run.left_out([side.summary.arm])
    )
    arms = tuple(replace(side.summary, arm=side.called) for side in (a, b))
    decimals = Decimals.of(arms)
    yield summary_table(arms, decimals)
    yield from _difference(a, b, success.is_known, decimals, resampling)
    yield from _other_settings(a, b)


def _difference(
    a: Side, b: Side, by_success: bool, decimals: Decimals, resampling: Resampling
) -> Iterator[str]:
    """Yield a line on the final scores, and one for each budget at which both were evaluated."""
    fewest = min(len(side.summary.scores) for side in (a, b))
    if fewest < ENOUGH_SEEDS:
        yield (
            f"One of them has n = {fewest} seeds, too few for a claim: train {ENOUGH_SEEDS} at the "
            "very least."
        )
        return
    pair = compare_pair(a, b, by_success, resampling)
    yield from claims([pair], decimals.show)
    if (both := pair.both_levels) is not None:
        yield (
            f"With seeds and episodes resampled returns differ by {decimals.show(both.value)} "
            f"({decimals.interval(both.low, both.high)})."
        )
    yield from _budgets(pair, decimals)


def _budgets(pair: Pair, decimals: Decimals) -> Iterator[str]:
    less = f"{pair.first} less {pair.second}, evaluations during training, charge included"
    budgets = (
        ("{:,.0f} environment steps", 1, pair.at_equal_steps),
        ("{:.1f} CPU minutes", 60, pair.at_equal_cpu),
    )
    for amount, unit, found in budgets:
        if found is not None:
            at = amount.format(found.budget / unit)
            yield f"At {at}: {_words(found, decimals)} ({less})."


def _words(found: EqualBudget, decimals: Decimals) -> str:
    gap = found.difference
    interval = decimals.interval(gap.low, gap.high)
    return f"{decimals.show(gap.value)} ({interval}; p {shown_p(gap.p)})"


def _read(folder: Path, arm: str) -> Run:
    """Return the run in `folder`; raises ArtifactError if no agent of `arm` has finished there."""
    run = read_published(folder)
    if not run.finished(arm):
        held = ", ".join(name for name in run.arms if run.finished(name)) or "no arm"
        raise ArtifactError(f"{folder}: no agent of the arm {arm} has finished there ({held} has)")
    return run


def _names(sides: Sequence[Side], folders: Sequence[Path]) -> list[str]:
    """Return how the two are called: by algorithm and arm, and by what tells their runs apart."""
    results = [next(iter(side.run.finished(side.summary.arm).values())) for side in sides]
    short = [
        f"{result.algorithm} {side.summary.arm}"
        for side, result in zip(sides, results, strict=True)
    ]
    names = short
    for further in ([folder.name for folder in folders], [str(folder) for folder in folders]):
        if names[0] == names[1]:
            names = [f"{name} of {more}" for name, more in zip(short, further, strict=True)]
    return names


def _other_settings(a: Side, b: Side) -> Iterator[str]:
    """Yield a line for whatever differs between the two beside the arm."""
    results = [*a.run.finished(a.summary.arm).values(), *b.run.finished(b.summary.arm).values()]
    if differing := unequal(results):
        yield f"Not held equal: {', '.join(differing)}."
    if not (a.run.config and b.run.config):
        yield "Whether their settings differ is not known: config.yaml is missing."
        return
    first, second = (flatten(side.run.settings) for side in (a, b))
    sections = {*deciding(a.summary.arm)} & {*deciding(b.summary.arm)}
    if "pretrain" in sections and bool(a.run.parts) != bool(b.run.parts):
        one, other = ("of each seed" if side.run.parts else "one for all seeds" for side in (a, b))
        yield f"the encoder (compare.encoder_per_seed): {one} | {other}"
    for key in {**first, **second}:
        one, other = (values.get(key, "not set") for values in (first, second))
        tells = key.split(".")[0] in sections or key == "compare.success_return"
        if tells and one != other:
            yield f"{key}: {one} | {other}"
