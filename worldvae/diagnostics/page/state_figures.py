"""The sections of the health page on the true state: probes and disentanglement."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np

from worldvae import html
from worldvae.diagnostics.metrics.state import (
    DisentanglementScores,
    FactorScores,
    ProbedVariable,
    Probes,
)
from worldvae.diagnostics.rules.evidence import Evidence
from worldvae.plots import encoder as encoder_plots

DRAWN_VARIABLES = 24
"""The figure shows groups in place of single variables if there are more than this."""
FEATURES = {
    "latents": "what the agent sees, whitened",
    "pixels": "the frame made small",
    "untrained": "latents of the same network with random weights",
    "majority": "the mean, or the commonest value",
    "supervised": "latents of the same network trained on the state itself",
}
NO_CEILING = (
    "No ceiling was measured; this command trains the same network on the state to have one:",
    "python -m scripts.diagnose CONFIG --supervised",
)


def probes(evidence: Evidence) -> str:
    """Return the section on linear probes of the state, with their floors and ceiling."""
    title = "What the latents tell of the state"
    found = evidence.probes
    if found is None:
        return html.section("probes", title, html.paragraph(_sentence(evidence.no_probes)))
    features = [name for name in FEATURES if name in found.mean]
    words, command = NO_CEILING
    ceiling = [] if "supervised" in features else [html.paragraph(words), html.code(command)]
    return html.section(
        "probes",
        title,
        html.paragraph(_probe_words(found, features)),
        _score_figure(found, features),
        html.terms((name, FEATURES[name]) for name in features),
        *ceiling,
        html.details("Every variable in numbers", _score_table(found, features), *_left_out(found)),
    )


def _probe_words(found: Probes, features: list[str]) -> str:
    means = ", ".join(f"{name} {found.mean[name]:z.2f}" for name in features)
    gained = found.gained
    sure = (
        f" Latents less untrained: {gained.value:z.2f} ({gained.low:z.2f} to {gained.high:z.2f}, "
        "95 % over test episodes)."
        if gained
        else ""
    )
    return (
        "A linear map learns to read each state variable and is scored on held-out episodes: R2 "
        "for a number, weighted F1 for a category. Mean over groups of variables, where a score "
        f"below 0 counts as 0: {means}.{sure}"
    )


def _score_figure(found: Probes, features: list[str]) -> str:
    rows = _drawn(found)
    scores = {name: np.array([row[name] for row in rows.values()]) for name in features}
    what = "variable" if len(rows) == len(found.variables) else "group of variables"
    alt = f"Probe score of each {what} from {', '.join(features)}"
    low = any((values < encoder_plots.LOWEST_SCORE).any() for values in scores.values())
    edge = f" An arrow: below {encoder_plots.LOWEST_SCORE:g}." if low else ""
    caption = (
        f"A row for each {what}. Blue left of orange: the small picture shows what the latents "
        f"lost. Blue at grey or at the stroke: training brought nothing, or nothing is known.{edge}"
    )
    return html.drawing(encoder_plots.probe_scores(scores, _short(list(rows))), alt, caption)


def _drawn(found: Probes) -> Mapping[str, Mapping[str, float]]:
    if 0 < len(found.variables) <= DRAWN_VARIABLES:
        return {variable.name: variable.scores for variable in found.variables}
    return found.groups


def _score_table(found: Probes, features: list[str]) -> str:
    rows = [(variable.name, _score_cells(variable, features)) for variable in found.variables]
    means = [("", ""), *((f"{found.mean[name]:z.2f}", "") for name in features)]
    return html.table(["variable", "score", *features], [*rows, ("mean over groups", means)])


def _score_cells(variable: ProbedVariable, features: list[str]) -> list[html.Cell]:
    values = f"{variable.classes} values" if variable.classes else ""
    kind = {"r2": "R2", "f1": "F1"}[variable.kind]
    return [(kind, values), *((f"{variable.scores[name]:z.2f}", "") for name in features)]


def _left_out(found: Probes) -> Iterator[str]:
    rows = ", ".join(f"{count:,} {part}" for part, count in found.rows.items())
    yield html.paragraph(
        f"Frames: {rows}; {found.duplicates:,} test frames were left out, since training has "
        "them too."
    )
    if found.dropped:
        yield html.paragraph("Not probed:")
        yield html.bullets(f"{name}: {reason}" for name, reason in found.dropped.items())


def disentanglement(evidence: Evidence) -> str:
    """Return the section on whether each variable has a latent of its own."""
    title, scores = "Disentanglement", evidence.disentanglement
    if scores is None:
        reason = _sentence(evidence.no_disentanglement)
        return html.section("disentanglement", title, html.paragraph(reason))
    names = [variable.name for variable in scores.variables]
    figure = encoder_plots.importance_map(np.array(scores.importance), _short(names))
    alt = f"Importance of each latent for {', '.join(names)}"
    caption = (
        "What a random forest uses to tell a variable; a row sums to 1 over all latents, of which "
        f"the figure has at most {encoder_plots.MAPPED_LATENTS}. One strong cell in a row: one "
        "latent says it; an even row: many do, or none."
    )
    return html.section(
        "disentanglement",
        title,
        html.paragraph(_disentanglement_words(scores)),
        html.beside(_disentanglement_table(scores), html.drawing(figure, alt, caption)),
        html.details("Every variable in numbers", _factor_table(scores.variables)),
    )


def _disentanglement_words(scores: DisentanglementScores) -> str:
    words = (
        "Whether each variable has a latent of its own: 1 at best. An agent can do without; it is "
        f"for those who want to read the latents. From {scores.rows:,} frames."
    )
    if scores.correlated and scores.largest_correlation is not None:
        words += (
            f" In these frames {' and '.join(scores.correlated)} correlate by "
            f"{scores.largest_correlation:.2f}: the nearer to 1, the less any code could part them."
        )
    if scores.skipped:
        words += f" Left out, since they hardly vary: {', '.join(scores.skipped)}."
    return words


def _disentanglement_table(scores: DisentanglementScores) -> str:
    chance = f"chance {scores.factor_vae_chance:z.2f}"
    rows = [
        ("MIG (own variant)", [(_number(scores.mig), "")]),
        ("SAP (own variant)", [(_number(scores.sap), "")]),
        ("DCI disentanglement (own variant)", [(_number(scores.dci_disentanglement), "")]),
        ("DCI completeness (own variant)", [(_number(scores.dci_completeness), "")]),
        ("DCI informativeness (own variant)", [(_number(scores.dci_informativeness), "")]),
        ("FactorVAE (own variant)", [(_number(scores.factor_vae), chance)]),
    ]
    return html.table(["", "score"], rows)


def _factor_table(variables: tuple[FactorScores, ...]) -> str:
    rows = [
        (each.name, [(_number(value), "") for value in list(dict(each).values())[1:]])
        for each in variables
    ]
    header = [name.replace("_", " ") for name in list(FactorScores.model_fields)[1:]]
    return html.table(["variable", *header], rows)


def _short(names: list[str]) -> list[str]:
    """Return the names without their groups, if they stay distinct."""
    last = [name.rpartition(".")[2] for name in names]
    return last if len(set(last)) == len(names) else names


def _number(value: float | None) -> str:
    return "n/a" if value is None else f"{value:z.2f}"


def _sentence(reason: str | None) -> str:
    """Return the reason with a capital letter and a full stop."""
    return f"{reason[0].upper()}{reason[1:]}." if reason else "Not measured."
