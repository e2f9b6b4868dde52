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
    _, shown = run.shown
    folder = shown.folder / "encoder"
    pictures = [picture(folder, name) for name in PICTURES if (folder / name).is_file()]
    if shown.card and any(shown.card.kl):
        pictures.append(_kl_figure(shown.card))
    if not pictures and not any("card" in part.damage for part in run.encoders.values()):
        return ""
    return html.section(
        "encoder",
        TITLE,
        *map(html.paragraph, _text(run)),
        html.beside(*pictures, layout="columns"),
    )


def encoder_text(run: Run) -> str:
    """Return the section in Markdown, without pictures."""
    if all(part.card is None for part in run.encoders.values()):
        return ""
    return markdown.section(TITLE, *map(markdown.escaped, _text(run, counts_latents=True)))


def _text(run: Run, counts_latents: bool = False) -> list[str]:
    """Return a paragraph on whose encoder it is, and one on each where there are several."""
    told = [
        " ".join(filter(None, [_origin(part), _scores(part), _active(part) * counts_latents]))
        for part in run.encoders.values()
    ]
    if not run.parts:
        return [" ".join(filter(None, [_lead(run), *told]))]
    named = [f"{name.capitalize()}. {text}" for name, text in zip(run.encoders, told, strict=True)]
    pictures = f"Pictures are those of {run.shown[0]}." * (not counts_latents)
    return [" ".join(filter(None, [_lead(run), pictures])), *named]


def _lead(run: Run) -> str:
    frozen = [arm.name for arm in run.rows if arm.has_trained_encoder and arm.freezes_encoder]
    if not frozen:
        return ""
    arms = f"Agents of the arm{'s' * (len(frozen) > 1)} {', '.join(frozen)} see the frames only"
    if run.parts:
        return (
            f"{arms} through the encoder of their seed, pretrained on frames of its own: an "
            "interval over seeds speaks of pretraining encoders, too."
        )
    return (
        f"{arms} through this encoder, one for all seeds: an interval over seeds speaks of "
        "training agents, not of pretraining encoders."
    )


def _active(run: Run) -> str:
    return _active_latents(run.card) if run.card and any(run.card.kl) else ""


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
