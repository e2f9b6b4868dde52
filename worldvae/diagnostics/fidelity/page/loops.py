"""The sections of the fidelity page on errors by horizon: codes, pixels, state, policies."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from matplotlib.figure import Figure

from worldvae import html
from worldvae.diagnostics.fidelity.metrics.bootstrap import HorizonCurve
from worldvae.diagnostics.fidelity.metrics.open_loop import (
    BLIND,
    CLIMATOLOGY,
    COPY_LAST,
    DREAM,
    MEAN,
    UNTRAINED,
    OpenLoop,
)
from worldvae.diagnostics.fidelity.metrics.pixels import RECONSTRUCTION
from worldvae.diagnostics.fidelity.metrics.states import CODE
from worldvae.diagnostics.fidelity.rules.evidence import FidelityEvidence
from worldvae.diagnostics.fidelity.rules.words import between, decisions, reward_digits, share
from worldvae.plots import dynamics as dynamics_plots

SHORT = {
    COPY_LAST: "standstill",
    MEAN: "mean",
    CLIMATOLOGY: "any code",
    BLIND: "no actions told",
    UNTRAINED: "untrained",
    RECONSTRUCTION: "encoder alone",
    CODE: "real code",
}
"""What dreams are compared with -> its name in a figure."""

MEANINGS = {
    "standstill": "nothing changes after the start",
    "mean": "the mean of all training frames, or of their codes or states",
    "any code": "draws of training codes, which is what is known without a start",
    "no actions told": "the same dynamics, each dream under the actions of another window: what "
    "is known without the actions that were taken",
    "untrained": "the same network with its initial weights",
    "encoder alone": "the real code, decoded: what no dream can improve on",
    "real code": "the same probe of the real code: what no dream can improve on",
}
TABLED = (1, 4, 16, 64)
"""Horizons in tables, as far as they were judged."""


def band(curve: HorizonCurve, x: tuple[int, ...]) -> dynamics_plots.BandCurve:
    """Return the arrays of a curve for a figure."""
    low, high = (None if part is None else np.array(part) for part in (curve.low, curve.high))
    return dynamics_plots.BandCurve(np.array(x, np.float64), np.array(curve.value), low, high)


def codes(evidence: FidelityEvidence) -> str:
    """Return the section on dreamed codes."""
    loop, energy = evidence.codes, evidence.energy
    return html.section(
        "codes",
        "Errors by horizon",
        html.paragraph(
            f"From {loop.windows[0]:,} starts in {loop.episodes:,} held-out episodes the dynamics "
            f"saw up to {decisions(evidence.burn_in)} of the real past, and dreamed on under the "
            "actions that were really taken. Bands are 95 % intervals over episodes."
        ),
        html.beside(
            html.drawing(
                _loop_figure(loop, "Squared error of the mean of dreams", evidence.horizon),
                "Squared error of dreamed codes by horizon",
                "Of codes, which are whitened latents, and the keys beside the frame if there are "
                "any, so that the mean of training scores about 1. Where the blue line leaves "
                "those of others below it, dreams know nothing that these do not.",
            ),
            html.drawing(
                _loop_figure(energy, "Energy score of single dreams", evidence.horizon),
                "Energy score of dreamed codes by horizon",
                "It judges dreams as samples: best is neither the sharpest nor the widest, but "
                "what is as uncertain as it is wrong (Gneiting & Raftery, 2007).",
            ),
        ),
        _meanings(loop, energy),
        html.details(
            "Errors in numbers",
            _loop_table(loop, "Squared error"),
            _loop_table(energy, "Energy score"),
        ),
    )


def shown(evidence: FidelityEvidence) -> str:
    """Return the section on what dreams show: moving pixels, and the true state."""
    drawn = [*_pixels(evidence), *_state(evidence)]
    blocks = [html.beside(*drawn)] if drawn else []
    pairs = (("Moving pixels", evidence.no_pixels), ("True state", evidence.no_state))
    left_out = [html.paragraph(f"{name}: not measured; {why}.") for name, why in pairs if why]
    loops = {
        "Moving pixels": evidence.pixels,
        "True state": evidence.state.loop if evidence.state else None,
    }
    known = {name: loop for name, loop in loops.items() if loop}
    extra = [_meanings(*known.values(), without=evidence.codes)] if known else []
    numbers = [_loop_table(loop, name) for name, loop in known.items()]
    tables = [html.details("In numbers", *numbers)] if known else []
    return html.section(
        "shown", "What dreams show", *blocks, *left_out, *extra, *_read(evidence), *tables
    )


def _pixels(evidence: FidelityEvidence) -> Iterator[str]:
    if evidence.pixels is None:
        return
    yield html.drawing(
        _loop_figure(evidence.pixels, "Error where pixels move"),
        "Error of decoded dreams in moving pixels by horizon",
        "Of what stands still everybody has a good copy, so that only pixels count that changed "
        "since the frame before; 1 is what the mean training frame scores there.",
    )


def _state(evidence: FidelityEvidence) -> Iterator[str]:
    if evidence.state is None:
        return
    yield html.drawing(
        _loop_figure(evidence.state.loop, "Error of the true state"),
        "Error of the probed state of dreams by horizon",
        "A linear map that reads the true state from real codes, keys included, reads the dreamed "
        "ones; in units of the variance in training.",
    )


def _read(evidence: FidelityEvidence) -> Iterator[str]:
    if evidence.state is None:
        return
    each = ", ".join(f"{name} {r2:.2f}" for name, r2 in evidence.state.variables.items())
    yield html.paragraph(f"Variables that are read well from real codes, R2: {each}.")


def policies(evidence: FidelityEvidence) -> str:
    """Return the section on episodes of different policies; empty if all are of one."""
    if not evidence.policies:
        return ""
    steps = [step for step in TABLED if step in evidence.codes.horizons]
    rows = [
        (name, [_policy_cell(loop, step) for step in steps] + [(f"{loop.episodes:,}", "")])
        for name, loop in evidence.policies.items()
    ]
    return html.section(
        "policies",
        "By who played",
        html.paragraph(
            "Squared error of the mean of dreams, and in small print what share it is of that of "
            "a standstill. A dream that is trusted only where random play leads is of no use to an "
            "agent that goes elsewhere."
        ),
        html.table(["collected by", *(f"+{step}" for step in steps), "episodes"], rows),
        *_policy_events(evidence),
    )


def _policy_events(evidence: FidelityEvidence) -> Iterator[str]:
    """Yield the table of rewards and ends on the episodes of each policy."""
    digits = reward_digits(evidence.reward)
    rows = [
        (
            name,
            [
                (f"{found.reward_bias.value:+z.{digits}f}", f"mean {found.reward:z.{digits}f}"),
                (between(found.expected_ends), _ended(found.ends)),
            ],
        )
        for name, found in evidence.policy_events.items()
    ]
    if rows:
        table = html.table(["collected by", "reward promised more", "ends, times the true"], rows)
        yield html.captioned(table, "Rewards and ends", "One step ahead of the real past.")


def _ended(episodes: int) -> str:
    return f"{episodes:,} episode{'' if episodes == 1 else 's'} ended"


def _policy_cell(loop: OpenLoop, step: int) -> html.Cell:
    if step not in loop.horizons:
        return "n/a", "too few windows"
    error, other = loop.error_at(DREAM, step), loop.error_at(COPY_LAST, step)
    return f"{error:z.3f}", f"{share(error / max(other, 1e-9))} of a standstill"


def _loop_figure(loop: OpenLoop, title: str, trusted: int = 0) -> Figure:
    others = {
        SHORT[name]: band(curve, loop.horizons)
        for name, curve in loop.errors.items()
        if name != DREAM
    }
    ordered = {name: others[name] for name in SHORT.values() if name in others}
    dream = band(loop.errors[DREAM], loop.horizons)
    return dynamics_plots.error_by_horizon(dream, ordered, title, trusted)


def _meanings(*loops: OpenLoop, without: OpenLoop | None = None) -> str:
    known = {DREAM, *(without.errors if without else ())}
    names = {SHORT[name] for loop in loops for name in loop.errors if name not in known}
    return html.terms((name, MEANINGS[name]) for name in MEANINGS if name in names)


def _loop_table(loop: OpenLoop, title: str) -> str:
    steps = [step for step in loop.horizons if step in TABLED]
    rows = [
        (SHORT.get(name, "dream"), [_cell(curve, loop.horizons.index(step)) for step in steps])
        for name, curve in sorted(loop.errors.items(), key=lambda pair: pair[0] != DREAM)
    ]
    table = html.table(["", *(f"+{step}" for step in steps)], rows)
    windows = ", ".join(f"{loop.windows[loop.horizons.index(step)]:,}" for step in steps)
    return html.captioned(table, title, f"Windows that reach each horizon: {windows}.")


def _cell(curve: HorizonCurve, place: int) -> html.Cell:
    value = f"{curve.value[place]:z.3f}"
    if curve.low is None or curve.high is None:
        return value, ""
    return value, f"{curve.low[place]:z.3f} to {curve.high[place]:z.3f}"
