"""All rows or some, one after the other; what is finished is kept, whatever happens next."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import redirect_stderr
from functools import partial
from typing import TypeVar

from agents.benchmark.bench import Bench
from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.machine import Machine, this_machine
from agents.benchmark.results import Results, RowResult
from agents.benchmark.rows import Row
from agents.benchmark.scaling import measure_scaling
from agents.benchmark.table import all_rows
from agents.benchmark.write import write_results
from agents.run.command import exact_command
from worldvae.errors import ConfigError, WorldvaeError
from worldvae.training.device import torch_device

SCALING = "scaling"
Say = Callable[[str], None]
T = TypeVar("T")


def run_benchmark(
    config: BenchmarkConfig, only: Sequence[str] = (), say: Say = print
) -> tuple[Results, bool]:
    """Measure the rows that `only` names (none: all) and leave the results in `config.folder`.

    Rows that were measured before and are not named stay as they are. Returns all results, and
    whether everything that was asked for could be measured.
    """
    rows = all_rows(config)
    wanted = choose(only, [*(row.name for row in rows), SCALING])
    machine = this_machine(torch_device(config.device))
    if machine.is_noisy:
        warn(f"other processes keep {machine.load:.1f} cores busy; the figures will be noisy")
    bench = Bench(config)
    with bench.alone():
        return _run(bench, rows, wanted, machine, say)


def _run(
    bench: Bench, rows: Sequence[Row], wanted: set[str], machine: Machine, say: Say
) -> tuple[Results, bool]:
    path, order = bench.config.folder / "benchmark.json", [row.name for row in rows]
    results = Results.read(path).model_copy(update={"command": exact_command()})
    complete = True
    for row in (row for row in rows if row.name in wanted):
        result = attempt(row.name, partial(_measure, row, bench, machine))
        complete &= result is not None
        if result is not None:
            results = results.with_row(result, order)
            results.save(path)
            say(f"{row.name}: {result.bound}{result.ratio:.3g} ({result.seconds:.0f} s)")
    if SCALING in wanted:
        curves = attempt(SCALING, partial(measure_scaling, bench))
        complete &= curves is not None
        results = results if curves is None else results.with_scaling(curves)
    write_results(results, bench.config.folder)
    return results, complete


def choose(only: Sequence[str], valid: Sequence[str]) -> set[str]:
    """The names to measure; ConfigError for one that is not valid."""
    unknown = [name for name in only if name not in valid]
    if unknown:
        raise ConfigError(f"command line: --only {unknown[0]}: no such row; {', '.join(valid)}")
    return set(only) or set(valid)


def attempt(name: str, work: Callable[[], T]) -> T | None:
    """What `work` gives; None, and a line that says why, if it fails."""
    quiet = io.StringIO()  # a terminal's progress bars would cost time and cover the results
    try:
        with redirect_stderr(quiet):
            return work()
    except Exception as error:  # noqa: BLE001  # a row that fails must not take the others with it
        reason = " ".join(str(error).split()) or type(error).__name__
        kind = "" if isinstance(error, WorldvaeError) else f"{type(error).__name__}: "
        warn(f"{name} could not be measured: {kind}{reason}")
        return None


def warn(line: str) -> None:
    """One line on standard error."""
    print(f"warning: {line}", file=sys.stderr, flush=True)


def _measure(row: Row, bench: Bench, machine: Machine) -> RowResult:
    began = time.perf_counter()
    found = row.compare(bench)
    return RowResult.of(row, found, time.perf_counter() - began, machine)
