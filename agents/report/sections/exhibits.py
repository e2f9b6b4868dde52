"""What a report shows: curves, scores, the encoder's pictures and the agents' videos.

A section without anything to show is the empty string.
"""

from __future__ import annotations

import numpy as np
from matplotlib.figure import Figure

from agents.arms.registry import ARMS, colours
from agents.report import markdown
from agents.report.summary import Summary
from agents.report.tables import seeds_table
from agents.report.verdict import minutes
from agents.run.agent_files import VIDEO, check_file
from agents.run.load import curve
from agents.run.records import AgentRecord, Cost, Run
from agents.run.stage_results import Card
from worldvae import html
from worldvae.diagnostics.page.figures import PICTURES, picture
from worldvae.errors import WorldvaeError
from worldvae.plots import comparison as figures
from worldvae.plots import style as plots
from worldvae.stats import Resampling

VIDEO_BYTES = 8_000_000
"""Videos beyond this sum stay outside, and are named: a larger page opens slowly."""

ACTIVE_NATS = 0.01
"""A latent that carries less than this is counted as unused."""

ENCODER = "What the encoder keeps"

UNITS = {"env_steps": (1.0, "env steps"), "seconds": (60.0, "minutes")}


def curves(run: Run, resampling: Resampling) -> str:
    damaged = [line for agent in run.agents for line in agent.lost]
    if not damaged and not any(agent.evaluations for agent in run.agents):
        return ""
    return html.section(
        "curves",
        "Learning",
        *(html.paragraph(f"Left out: {line}.") for line in damaged),
        html.beside(
            _curve_figure(run, "env_steps", resampling), _curve_figure(run, "seconds", resampling)
        ),
    )


def learning_figure(run: Run, unit: str, resampling: Resampling) -> Figure:
    """Held-out return over "env_steps" or "seconds", each arm after what it was charged."""
    scale, x_label = UNITS[unit]
    arms = [
        figures.ArmCurves(
            arm,
            [_scaled(agent, unit, scale) for agent in run.of(arm)],
            charged=getattr(run.charge(arm), unit) / scale,
        )
        for arm in run.arms
    ]
    return figures.learning_curves(
        arms, f"Held-out return over {x_label}", x_label, resampling, colours()
    )


def _curve_figure(run: Run, unit: str, resampling: Resampling) -> str:
    _, x_label = UNITS[unit]
    caption = (
        f"Mean return of the held-out evaluations over {x_label}. Thin: one seed, dashed while it "
        f"is unfinished. Bold: the mean; band: its 95 % interval, from {figures.BAND_FROM} seeds "
        f"on.{_charged_words(run, unit)}"
    )
    alt = f"Held-out return over {x_label}, by arm: {', '.join(run.arms)}"
    return html.drawing(learning_figure(run, unit, resampling), alt, caption)


def _scaled(agent: AgentRecord, unit: str, scale: float) -> figures.SeedCurve:
    x, y = curve(agent, unit)
    return figures.SeedCurve(x / scale, y, finished=agent.result is not None)


def _charged_words(run: Run, unit: str) -> str:
    arms = [arm for arm in run.arms if run.charge(arm) != Cost()]
    if not arms:
        return ""
    sizes = [
        f"{run.charge(arm).env_steps:,} env steps to {arm}"
        if unit == "env_steps"
        else f"{minutes(run.charge(arm).seconds)} minutes to {arm}"
        for arm in arms
    ]
    return (
        " Shaded: what collecting frames and pretraining took, charged before the first "
        f"training step: {', '.join(sizes)}."
    )


def scores(run: Run, summary: Summary) -> str:
    if not summary.arms:
        return ""
    values = {arm.arm: arm.values for arm in summary.arms}
    returns = {
        arm: [np.array(result.evaluation.returns) for result in run.finished(arm).values()]
        for arm in values
    }
    scores = figures.final_scores(values, {arm.arm: arm.iqm for arm in summary.arms}, colours())
    names = ", ".join(values)
    return html.section(
        "scores",
        "Final scores",
        html.beside(
            html.drawing(
                scores,
                f"Final score of each seed, by arm: {names}",
                "A dot is a seed, the mean over its evaluation episodes. Diamond and bar: the IQM "
                "and its 95 % interval over seeds; a single seed has none.",
            ),
            html.drawing(
                figures.episode_returns(returns, colours()),
                f"Evaluation returns of each seed, by arm: {names}",
                "A stroke is an episode, a line of strokes a seed, the dot its mean.",
            ),
        ),
        html.details("Every seed in numbers", html.table(*seeds_table(run, summary))),
    )


def encoder(run: Run) -> str:
    folder = run.folder / "encoder"
    pictures = [picture(folder, name) for name in PICTURES if (folder / name).is_file()]
    if run.card and any(run.card.kl):
        pictures.append(_kl_figure(run.card))
    if not pictures and "card" not in run.damage:
        return ""
    return html.section(
        "encoder",
        ENCODER,
        html.paragraph(_encoder_words(run)),
        html.beside(*pictures, layout="columns"),
    )


def encoder_text(run: Run) -> str:
    """The same in Markdown, without pictures."""
    if run.card is None:
        return ""
    used = _kl_words(run.card) if any(run.card.kl) else ""
    words = " ".join(filter(None, [_encoder_words(run), used]))
    return markdown.section(ENCODER, markdown.escaped(words))


def _encoder_words(run: Run) -> str:
    given = [ARMS[arm] for arm in run.arms if arm in ARMS]
    frozen = [arm.name for arm in given if arm.has_trained_encoder and arm.freezes_encoder]
    lead = (
        f"Agents of the arm {' and '.join(frozen)} see the frames only through this encoder, one "
        "for all seeds: an interval over seeds speaks of training agents, not of pretraining "
        "encoders."
        if frozen
        else ""
    )
    return " ".join([lead, _card_words(run)]).strip()


def _card_words(run: Run) -> str:
    card = run.card
    if damage := run.damage.get("card"):
        return f"Its scores are left out: {damage}."
    if not card or not card.scores:
        return ""
    scores = ", ".join(f"{name} {value:.4g}" for name, value in card.scores.items())
    return f"Its scores on held-out episodes: {scores}."


def _kl_figure(card: Card) -> str:
    figure = plots.latent_kl(np.array(card.kl))
    return html.drawing(figure, "KL of each latent, falling", _kl_words(card))


def _kl_words(card: Card) -> str:
    active = sum(nats > ACTIVE_NATS for nats in card.kl)
    words = f"{active} of {len(card.kl)} latents carry more than {ACTIVE_NATS} nats."
    if active < len(card.kl):
        words += " The others tell the decoder, and the agent, nothing."
    return words


def _video_damage(agent: AgentRecord) -> str:
    try:
        check_file(agent.folder, VIDEO, agent.result.files if agent.result else None)
    except WorldvaeError as error:
        return str(error)
    return ""


def videos(run: Run) -> str:
    films, left = [], VIDEO_BYTES
    for arm in run.arms:
        if not (agents := [a for a in run.of(arm) if a.result and (a.folder / VIDEO).is_file()]):
            continue
        path, title = agents[0].folder / VIDEO, f"{arm}, seed {agents[0].seed}"
        if damage := _video_damage(agents[0]):
            films.append(html.paragraph(f"{title}: left out: {damage}."))
            continue
        left -= path.stat().st_size
        where = path.relative_to(run.folder).as_posix()
        films.append(
            html.video(path, title, "The final agent.")
            if left >= 0
            else html.paragraph(f"{title}: too large for this page, see {where}")
        )
    if not films:
        return ""
    lead = "The first seed of each arm, chosen by its number and not by its return."
    return html.section(
        "videos", "The agents at work", html.paragraph(lead), html.beside(*films, layout="triple")
    )
