"""The section with the trained encoder's pictures, scores and latents."""

from __future__ import annotations

import numpy as np

from agents.report import markdown
from agents.run.records import Run
from worldvae import html
from worldvae.autoencoders.encoder_files import PRETRAINING, EncoderCard
from worldvae.diagnostics.page.figures import PICTURES, picture
from worldvae.plots import style as plots

ACTIVE_NATS = 0.01
"""A latent whose KL is below this is counted as unused."""

TITLE = "What the encoder keeps"


def encoder(run: Run) -> str:
    """Return the section; "" before the encoder is trained."""
    folder = run.folder / "encoder"
    pictures = [picture(folder, name) for name in PICTURES if (folder / name).is_file()]
    if run.card and any(run.card.kl):
        pictures.append(_kl_figure(run.card))
    if not pictures and "card" not in run.damage:
        return ""
    return html.section(
        "encoder",
        TITLE,
        html.paragraph(_text(run)),
        html.beside(*pictures, layout="columns"),
    )


def encoder_text(run: Run) -> str:
    """Return the section in Markdown, without pictures."""
    if run.card is None:
        return ""
    active = _active_latents(run.card) if any(run.card.kl) else ""
    text = " ".join(filter(None, [_text(run), active]))
    return markdown.section(TITLE, markdown.escaped(text))


def _text(run: Run) -> str:
    frozen = [arm.name for arm in run.rows if arm.has_trained_encoder and arm.freezes_encoder]
    arms_named = f"arm{'s' * (len(frozen) > 1)} {', '.join(frozen)}"
    lead = (
        f"Agents of the {arms_named} see the frames only through this encoder, one for all seeds: "
        "an interval over seeds speaks of training agents, not of pretraining encoders."
        if frozen
        else ""
    )
    return " ".join(filter(None, [lead, _origin(run), _scores(run)]))


def _origin(run: Run) -> str:
    """Return where an encoder was taken from that was not pretrained for this comparison."""
    folder = run.folder / "encoder"
    if run.card is None or not PRETRAINING.is_whole(folder):
        return ""
    source = PRETRAINING.read(folder).taken_from
    if source is None:
        return ""
    return (
        f"It was taken as it is from {source}, where it was pretrained on frames of "
        f"{run.card.env_id}; the frames and the time that this took are charged there and not here."
    )


def _scores(run: Run) -> str:
    card = run.card
    if damage := run.damage.get("card"):
        return f"Its scores are left out: {damage}."
    if not card or not card.scores:
        return ""
    scores = ", ".join(f"{name} {value:.4g}" for name, value in card.scores.items())
    return f"Its scores on held-out episodes: {scores}."


def _kl_figure(card: EncoderCard) -> str:
    figure = plots.latent_kl(np.array(card.kl))
    return html.drawing(figure, "KL of each latent, falling", _active_latents(card))


def _active_latents(card: EncoderCard) -> str:
    active = sum(nats > ACTIVE_NATS for nats in card.kl)
    text = f"{active} of {len(card.kl)} latents carry more than {ACTIVE_NATS} nats."
    if active < len(card.kl):
        text += " The others tell the decoder, and the agent, nothing."
    return text
