"""The section on drift: how far each agent's frames left those its encoder was trained on."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from agents.arms.registry import colours
from agents.drift.outliers import Columns, read_outliers
from agents.report import markdown
from agents.report.tables.table import Table
from agents.run.agent_files import check_file
from agents.run.drift_log import DRIFT, DriftLine, read_lines
from agents.run.records import AgentRecord, Run
from worldvae import html
from worldvae.diagnostics.drift import EXPECTED
from worldvae.errors import WorldvaeError
from worldvae.html import Cell
from worldvae.plots.drift import DriftCurve, drift_curves
from worldvae.plots.frames import strangest_figure
from worldvae.plots.png import save_png
from worldvae.wording import percent

TITLE = "Did the agents leave the encoder's frames?"
LEAD = (
    "A frozen encoder was trained on frames that other policies showed; an agent that learns goes "
    "where they did not. A frame is strange if its latents are farther from those of the training "
    "frames (Mahalanobis), or its reconstruction is worse, than of 99 % of the held-out frames. "
    "1 % is expected; much more means that the agent steers by latents that its encoder guesses."
)
WAYS_OUT_OF_DRIFT = (
    "What can be done: collect with such an agent (rollouts.policies: {agent: 1}) and pretrain on "
    "its frames, or set drift.refresh: true."
)


def drift(run: Run) -> str:
    """Return the section; "" if no drift was measured."""
    measured, damaged = _measured(run)
    blocks = [html.paragraph(line) for line in damaged]
    if measured:
        blocks.append(html.paragraph(f"{LEAD} {_text(measured)}"))
        blocks += [html.beside(*_figures(measured)), *_strangest(measured)]
    return html.section("drift", TITLE, *blocks) if blocks else ""


def drift_text(run: Run) -> str:
    """Return the section in Markdown, with a row for each agent in place of the figures."""
    measured, damaged = _measured(run)
    blocks = [markdown.escaped(line) for line in damaged]
    if measured:
        blocks.append(markdown.escaped(f"{LEAD} {_text(measured)}"))
        blocks.append(markdown.table(_table(measured)))
    return markdown.section(TITLE, *blocks) if blocks else ""


def _table(measured: list[tuple[AgentRecord, list[DriftLine]]]) -> Table:
    header = (
        *("arm, seed", "strange frames at first", "at the end", "at most"),
        *("error at the end, times held-out", "refits"),
    )
    rows = [(f"{agent.arm} {agent.seed}", _row(lines)) for agent, lines in measured]
    return Table(header, tuple(rows))


def _row(lines: list[DriftLine]) -> tuple[Cell, ...]:
    first, last = lines[0], lines[-1]
    shares = (first.strange, last.strange, max(line.strange for line in lines))
    error = "not measured" if last.error is None else f"{last.error.ratio:.3g}"
    percents = [percent(share, 1) for share in shares]
    return tuple((value, "") for value in (*percents, error, str(last.refreshes)))


def _measured(run: Run) -> tuple[list[tuple[AgentRecord, list[DriftLine]]], list[str]]:
    """Return the agents with their drift logs, and a message for each damaged log."""
    logs, damaged = [], []
    for agent in run.agents:
        try:
            check_file(agent.folder, DRIFT.name, agent.result.files if agent.result else None)
            lines = read_lines(agent.folder)
        except WorldvaeError as error:
            damaged.append(f"Left out: {error}.")
        else:
            logs += [(agent, lines)] if lines else []
    return logs, damaged


def _text(measured: list[tuple[AgentRecord, list[DriftLine]]]) -> str:
    shares = {f"{agent.arm} {agent.seed}": lines[-1].strange for agent, lines in measured}
    name, share = max(shares.items(), key=lambda item: item[1])
    refits = sum(lines[-1].refreshes for _, lines in measured)
    text = f"At the end the most was {percent(share)} of the frames of {name}."
    if refits:
        times = "once" if refits == 1 else f"{refits} times"
        return f"{text} Encoders were refitted {times}, at the cost of the agents that needed it."
    return f"{text} {WAYS_OUT_OF_DRIFT}"


def _figures(measured: list[tuple[AgentRecord, list[DriftLine]]]) -> Iterator[str]:
    arms = ", ".join(dict.fromkeys(agent.arm for agent, _ in measured))
    yield html.drawing(
        drift_curves(
            [
                _curve(agent, lines, [100 * one.strange for one in lines])
                for agent, lines in measured
            ],
            "Strange frames, %",
            expected=100 * EXPECTED,
            colours=colours(),
        ),
        f"Share of strange frames over env steps, by arm: {arms}",
        "A line is a seed; arms stand a little side by side. Dashed: the 1 % of held-out frames. A "
        "ring is the first measurement after the encoder was refitted, against old and new frames "
        "together.",
    )
    shown = [(agent, lines) for agent, lines in measured if lines[0].error is not None]
    if shown:
        yield html.drawing(
            drift_curves(
                [_curve(agent, lines, _error_ratios(lines)) for agent, lines in shown],
                "Reconstruction error, times held-out",
                expected=1.0,
                colours=colours(),
            ),
            "Reconstruction error over that of held-out frames, over env steps",
            "Mean squared error on the agent's frames over that on held-out ones. An encoder that "
            "is untrained, or predicts later frames, has none.",
        )


def _error_ratios(lines: list[DriftLine]) -> list[float]:
    return [np.nan if line.error is None else line.error.ratio for line in lines]


def _curve(agent: AgentRecord, lines: list[DriftLine], values: list[float]) -> DriftCurve:
    refreshes = np.array([line.refreshes for line in lines])
    return DriftCurve(
        arm=agent.arm,
        x=np.array([line.env_steps for line in lines], np.float64),
        y=np.array(values, np.float64),
        refitted=np.diff(refreshes, prepend=refreshes[0]) > 0,
    )


def _strangest(measured: list[tuple[AgentRecord, list[DriftLine]]]) -> Iterator[str]:
    """Yield the strangest frames of the first seed of each arm, chosen by its number."""
    first: dict[str, AgentRecord] = {}
    for agent, _ in measured:
        first.setdefault(agent.arm, agent)
    for agent in first.values():
        for path in sorted([agent.folder / "strangest.npz", *agent.folder.glob(REFITTED)]):
            yield _outliers(agent, path)


def _outliers(agent: AgentRecord, path: Path) -> str:
    try:
        columns = read_outliers(path)
    except WorldvaeError as error:
        return html.paragraph(f"Not shown: {error}.")
    if not columns:
        return ""
    return html.image(_draw(path, columns), _title(agent, path), _caption(columns))


REFITTED = "refresh_*/strangest.npz"


def _draw(path: Path, columns: Columns) -> Path:
    picture = path.with_suffix(".png")
    heads = [f"{strange:.1f} x, {_steps(at)}" for strange, at in _measures(columns)]
    save_png(strangest_figure(columns["frames"], columns.get("decoded"), heads), picture)
    return picture


def _measures(columns: Columns) -> Iterator[tuple[float, int]]:
    pairs = zip(columns["strangeness"], columns["env_steps"], strict=True)
    yield from ((float(strange), int(at)) for strange, at in pairs)


def _steps(count: int) -> str:
    return f"{count / 1_000:.0f}k" if count >= 1_000 else str(count)


def _title(agent: AgentRecord, path: Path) -> str:
    after = "" if path.parent == agent.folder else f", after {path.parent.name.replace('_', ' ')}"
    return f"Strangest frames of {agent.arm}, seed {agent.seed}{after}"


def _caption(columns: Columns) -> str:
    measure = "distance or error, whichever is worse," if "error" in columns else "distance"
    beyond = int((columns["strangeness"] > 1).sum())
    count = (
        "None is beyond it" if not beyond else f"{beyond} of {len(columns['frames'])} are beyond it"
    )
    text = (
        f"Above each, its {measure} over the limit that 99 % of the held-out frames keep, and the "
        f"env steps by which it was seen. {count}; beyond 1 x a frame is strange."
    )
    if "error" not in columns:
        return f"{text} This encoder shows no reconstruction; strange are the latents alone."
    return (
        f"{text} The agent did not see what is missing in the second row. Squared errors "
        f"{columns['error'].min():.2g} to {columns['error'].max():.2g}."
    )
