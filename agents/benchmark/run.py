"""Measures the rows one after the other; each result is saved before the next is measured."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from dataclasses import replace
from functools import partial
from typing import TypeVar

from agents.benchmark.bench import Bench
from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.machine import Machine, gpu_memory, this_machine
from agents.benchmark.results import BENCHMARK, Results, RowResult, read_results
from agents.benchmark.rows import Row
from agents.benchmark.scaling.stages import STAGES
from agents.benchmark.speeds import measure_speeds
from agents.benchmark.table import all_rows
from agents.benchmark.write import write_results
from worldvae.errors import ConfigError, WorldvaeError
from worldvae.training.device import torch_device

SCALING = "scaling"
FRESH_SECONDS = 20.0
"""How long the speeds of the machine are not measured again; the best of a run counts."""
Say = Callable[[str], None]
T = TypeVar("T")


def run_benchmark(
    config: BenchmarkConfig, only: Sequence[str] = (), say: Say = print
) -> tuple[Results, bool]:
    """Measure the rows that `only` names, by default all, and write results to `config.folder`.

    Earlier results of other rows are kept. Returns all results, and whether every requested row
    could be measured.
    """
    rows = all_rows(config)
    curves = [f"{SCALING}-{stage}" for stage in STAGES]
    names = choose(only, [*(row.name for row in rows), SCALING, *curves])
    machine = this_machine(torch_device(config.device))
    if machine.is_noisy:
        warn(f"other processes keep {machine.load:.1f} cores busy; the figures will be noisy")
    bench = Bench(config)
    with bench.locked():
        return _run(bench, rows, names, machine, say)


def _run(
    bench: Bench, rows: Sequence[Row], names: set[str], machine: Machine, say: Say
) -> tuple[Results, bool]:
    folder, order = bench.config.folder, [row.name for row in rows]
    results = read_results(folder)
    complete, here, gauged = True, set[str](), -FRESH_SECONDS
    for row in (row for row in rows if row.name in names):
        if callable(row.limit) and time.monotonic() - gauged >= FRESH_SECONDS:
            machine = machine.faster(measure_speeds(bench.device, bench.clock, folder))
            gauged = time.monotonic()
        result = attempt(row.name, partial(_measure, row, bench, machine))
        complete &= result is not None
        if result is not None:
            here.add(row.name)
            results = results.with_row(result, order).with_machine(here, machine)
            BENCHMARK.write(folder, results)
            say(f"{row.name}: {result.bound}{result.ratio:.3g} ({result.seconds:.0f} s)")
    for stage in (stage for stage in STAGES if names & {SCALING, f"{SCALING}-{stage}"}):
        curves = attempt(f"{SCALING}-{stage}", partial(STAGES[stage], bench))
        complete &= curves is not None
        if curves is not None:
            of_here = [curve.model_copy(update={"machine": machine}) for curve in curves]
            results = results.with_scaling(of_here, [*STAGES])
            BENCHMARK.write(folder, results)
    write_results(results, folder)
    return results, complete


def choose(only: Sequence[str], valid: Sequence[str]) -> set[str]:
    """Return the names to measure, by default all; raises ConfigError for an unknown one."""
    unknown = [name for name in only if name not in valid]
    if unknown:
        raise ConfigError(f"command line: --only {unknown[0]}: no such row; {', '.join(valid)}")
    return set(only) or set(valid)


def attempt(name: str, work: Callable[[], T]) -> T | None:
    """Return the result of `work`; if it fails, print a warning with the reason and return None."""
    discarded = io.StringIO()  # a terminal's progress bars would cost time and cover the results
    try:
        with redirect_stderr(discarded):
            return work()
    except Exception as error:  # noqa: BLE001  # a row that fails must not take the others with it
        reason = " ".join(str(error).split()) or type(error).__name__
        kind = "" if isinstance(error, WorldvaeError) else f"{type(error).__name__}: "
        warn(f"{name} could not be measured: {kind}{reason}")
        return None


def warn(line: str) -> None:
    """Print a warning on standard error."""
    print(f"warning: {line}", file=sys.stderr, flush=True)


def _measure(row: Row, bench: Bench, machine: Machine) -> RowResult:
    start = time.perf_counter()
    with gpu_memory(bench.device) as memory:
        comparison = row.compare(bench)
    notes = [note for note in (comparison.note, str(memory)) if note]
    comparison = replace(comparison, note="; ".join(notes))
    works = row.limit(bench) if callable(row.limit) else ()
    return RowResult.of(row, comparison, time.perf_counter() - start, machine, works)
