"""Writes the table and the figures, and the section of the documentation that shows them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from agents.benchmark.figure import benchmark_figure, scaling_figure
from agents.benchmark.machine import Machine
from agents.benchmark.results import BENCHMARK, Results, RowResult
from agents.benchmark.scaling.curve import ScalingCurve
from worldvae.errors import ArtifactError
from worldvae.files import atomic_file, atomic_write_text, user_errors
from worldvae.markdown import table
from worldvae.plots.png import save_png

HEADING = "## The table"
MET = {True: "yes", False: "**no**", None: ""}


def write_results(results: Results, folder: Path) -> None:
    """Write benchmark.json, benchmark.md, and the figures of the rows and of scaling."""
    BENCHMARK.write(folder, results)
    atomic_write_text(folder / "benchmark.md", describe(results))
    for name, figure in _figures(results).items():
        save_png(figure, folder / name)


def _figures(results: Results) -> dict[str, Figure]:
    figures = {}
    if results.rows:
        figures["benchmark.png"] = benchmark_figure(results.rows)
    if results.scaling:
        figures["scaling.png"] = scaling_figure(results.scaling)
    return figures


def describe(results: Results) -> str:
    """Return all results in Markdown."""
    parts = []
    if results.rows:
        where = [(row.name, row.machine) for row in results.rows]
        parts += [row_table(results.rows), *_machines(where), *_notes(results.rows)]
    if results.scaling:
        parts += [slope_table(results.scaling), *_machines(_where(results.scaling))]
    return "\n\n".join(parts) + "\n"


def row_table(rows: Sequence[RowResult]) -> str:
    """Return a line per row, with medians, and in brackets the range of the ratio.

    The last column is our share of what the machine could do at most.
    """
    ratio = "ratio (range, rounds)"
    header = ("name", "ours", "against", "rates", ratio, "target", "met", "limit")
    lines = []
    for row in rows:
        target = "" if row.target is None else f"{row.target:.3g}"
        cells = [f"`{row.name}`", row.ours, row.against, _rates(row), _ratio(row), target]
        lines.append([*cells, MET[row.met], row.limit])
    return table(header, lines)


def slope_table(curves: Sequence[ScalingCurve]) -> str:
    """Return a line per curve, with its costs at both ends and their slope."""
    lines = []
    for curve in curves:
        grows = f"{curve.quantity}: {curve.x[0]:,.0f} to {curve.x[-1]:,.0f}"
        costs = number(curve.y[0]), number(curve.y[-1])
        slopes = f"{curve.slope:.2f}", f"at most {curve.expected:g}"
        lines.append([curve.stage, curve.cost, grows, *costs, *slopes])
    return table(("stage", "cost", "against", "from", "to", "slope", "expected"), lines)


def _rates(row: RowResult) -> str:
    ours, theirs = (number(float(np.median(v))) for v in (row.our_values, row.their_values))
    return f"{ours} / {theirs} {row.unit}"


def _ratio(row: RowResult) -> str:
    sign = f"{row.bound} " if row.bound else ""
    if len(row.ratios) == 1:
        return f"{sign}{row.ratio:.2f} (1)"
    return f"{sign}{row.ratio:.2f} ({min(row.ratios):.2f}-{max(row.ratios):.2f}, {len(row.ratios)})"


def number(value: float) -> str:
    """Return three significant digits: 0.0123, 4.57, 12.3, 2,350."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _where(curves: Sequence[ScalingCurve]) -> list[tuple[str, Machine]]:
    """Return each stage with the machine that it was measured on."""
    found = {curve.stage: curve.machine for curve in curves}
    return [(stage, machine) for stage, machine in found.items() if machine is not None]


def _machines(where: Sequence[tuple[str, Machine]]) -> list[str]:
    """Return a line per machine and command, with the names measured so if there are several."""
    machines = {str(machine): machine for _, machine in where}
    lines = []
    for text, machine in machines.items():
        names = [name for name, other in where if str(other) == text]
        which = f" ({', '.join(names)})" if len(machines) > 1 else ""
        noise = "; **other work ran beside it**" if machine.is_noisy else ""
        lines.append(f"Measured {text}{noise}{which}.")
    return lines


def _notes(rows: Sequence[RowResult]) -> list[str]:
    return [f"`{row.name}`: {row.note}." for row in rows if row.note]


def check_document(document: Path) -> str:
    """Return the text of `document`; raises ArtifactError if it has no place for the table."""
    with user_errors(document):
        text = document.read_text(encoding="utf-8")
    replace_section(text, HEADING, "", document)
    return text


def publish(results: Results, folder: Path, document: Path) -> None:
    """Write the table under HEADING of `document`, and the figures into `images` beside it."""
    text = check_document(document)
    names = [name for name in _figures(results) if (folder / name).exists()]
    for name in names:
        with user_errors(folder / name):
            data = (folder / name).read_bytes()
        with atomic_file(document.parent / "images" / name) as file:
            file.write(data)
    figures = "".join(f"\n![{CAPTIONS[name]}](images/{name})\n" for name in names)
    body = describe(results) + figures
    atomic_write_text(document, replace_section(text, HEADING, body, document))


CAPTIONS = {
    "benchmark.png": "Each row of the table: the ratio, its range over the rounds, its target",
    "scaling.png": "How cost grows with environments, frames and frame size",
}


def replace_section(text: str, heading: str, body: str, where: Path) -> str:
    """Return `text` with `body` between `heading` and the next heading of that level."""
    level = heading.split(maxsplit=1)[0] + " "
    lines = text.splitlines()
    if heading not in lines:
        raise ArtifactError(f"{where}: no line {heading!r} under which the table could be written")
    start = lines.index(heading) + 1
    rest = [i for i in range(start, len(lines)) if lines[i].startswith(level)]
    end = rest[0] if rest else len(lines)
    after = ["", *lines[end:]] if rest else []
    return "\n".join([*lines[:start], "", body.strip(), *after]) + "\n"
