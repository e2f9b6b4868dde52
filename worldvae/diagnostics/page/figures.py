"""The sections of the health page without the true state: pictures, errors and latents."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from worldvae import html
from worldvae.diagnostics.metrics.neighbours import Closeness
from worldvae.diagnostics.metrics.reconstruction import (
    ACTIVE_VARIANCE,
    Code,
    Errors,
    Overfitting,
    Reconstruction,
    Region,
)
from worldvae.diagnostics.metrics.things import Things
from worldvae.diagnostics.rules.evidence import Evidence
from worldvae.plots import encoder as encoder_plots
from worldvae.plots.png import is_whole_png
from worldvae.wording import percent

EXPLORER = "explorer.html"
"""The explorer of a run, in the folder that holds the encoder's."""

LISTED = 12
"""How many duplicates the page lists; health.json has all of them."""

PICTURES = {
    "reconstructions.png": (
        "Reconstructions",
        "Frames of held-out episodes, what the decoder makes of their latents, and the difference. "
        "What is missing here the agent cannot see: look for the small things that decide the "
        "return.",
    ),
    "traversals.png": (
        "Traversals",
        "One latent moves, all others stay. A latent that changes one thing with a name is easy "
        "to use for a policy; one that changes nothing is not in use.",
    ),
    "samples.png": (
        "Samples",
        "Decoded draws from the prior: the standard normal, or for an autoencoder without one "
        "the spread of its training latents. If they resemble no frame of the environment, the "
        "latents are not spread so. A frozen encoder does not mind; dreaming in them would.",
    ),
    "training.png": (
        "Pretraining",
        "Distortion is what the reconstruction gets wrong, rate (KL) what the latents carry, in "
        "nats. A rate near zero is a collapse: the decoder ignores the latents. Curves that still "
        "fall at the right edge say that the encoder was not done.",
    ),
}
"""File in an encoder's folder -> title, and a caption that says what to look for."""


def picture(folder: Path, name: str) -> str:
    """Return one of PICTURES, or a sentence that says how to make it."""
    path = folder / name
    if path.is_file() and is_whole_png(path):
        return html.image(path, *PICTURES[name])
    if path.is_file():
        return html.paragraph(
            f"Left out: {path} is damaged; restore it, or remove the folder and pretrain again."
        )
    return html.paragraph(
        f"There is no {name} in the encoder's folder: pretraining draws it, with "
        "python -m scripts.pretrain CONFIG."
    )


def reconstruction(evidence: Evidence, folder: Path) -> str:
    errors = evidence.reconstruction
    rows = zip(_error_rows(errors.train), _error_rows(errors.held_out), strict=True)
    return html.section(
        "reconstruction",
        "Reconstruction",
        html.paragraph(_reconstruction_words(evidence)),
        picture(folder, "reconstructions.png"),
        html.table(
            ["", "training", "held-out"],
            [(name, [train, held_out]) for (name, train), (_, held_out) in rows],
        ),
        *_places(errors),
    )


def _places(errors: Reconstruction) -> Iterator[str]:
    """Yield maps of the loss of moving pixels, if both splits have enough motion."""
    maps = {"Training": errors.train.places, "Held-out": errors.held_out.places}
    shown = {
        title: np.array(places.lost, dtype=np.float64) for title, places in maps.items() if places
    }
    if len(shown) < len(maps):
        return
    yield html.drawing(
        encoder_plots.lost_by_place(shown),
        "Maps of the frame: what is lost of the moving pixels in each place",
        "What is lost of what moves in each place of the frame; blank where seldom anything does. "
        "Dark where something small moves alone: the agent cannot see it there, however little "
        "it weighs among all moving pixels.",
    )


def _reconstruction_words(evidence: Evidence) -> str:
    words = (
        "Lost is the squared error in units of the deviation from the mean training image: "
        "0 % is perfect, 100 % is what that image scores, which shows nothing of the moment. A "
        "thing that stands still is a patch of pixels that differ clearly from that image; each "
        "counts as one, so that a small goal weighs as much as a large wall."
    )
    if evidence.pixels.predict:
        words += f" What is drawn is the frame {evidence.pixels.predict} decisions later."
    if not evidence.pixels.weight:
        words += " The objective does not ask for pixels, so that these may be wrong."
    return words


def _error_rows(errors: Errors) -> Iterator[tuple[str, html.Cell]]:
    yield "lost, moving pixels", _lost(errors.moving, "no pixel moves")
    yield "lost, static pixels", _lost(errors.static, "every pixel moves")
    yield "lost, all pixels", (_share(errors.lost), "")
    yield "lost, things that stand still", _lost_things(errors.still_things)
    yield "mse", (f"{errors.mse:.2g}", "")
    yield "PSNR, dB", (f"{errors.psnr:.1f}", "")
    yield "distortion, nats", (f"{errors.distortion:,.1f}", "")
    yield "rate, nats", (f"{errors.rate:.2f}", "")


def _lost_things(things: Things | None) -> html.Cell:
    if things is None:
        return "n/a", "hardly any"
    return percent(things.lost), f"{things.per_frame:.1f} a frame"


def _lost(region: Region | None, reason: str) -> html.Cell:
    if region is None:
        return "n/a", reason
    return _share(region.lost), f"{100 * region.share:.1f} % of all pixels"


def _share(lost: float | None) -> str:
    return "nothing to lose" if lost is None else percent(lost)


def code(evidence: Evidence) -> str:
    """Return the section on the use of latents and on duplicates among them."""
    used, variational = evidence.code, evidence.objective.is_variational
    return html.section(
        "code",
        "The code",
        html.paragraph(_code_words(used, variational)),
        html.beside(*_code_figures(used, variational)),
        *_duplicates(used),
    )


def _code_figures(used: Code, variational: bool) -> Iterator[str]:
    variance = np.array(used.variance)
    threshold = ACTIVE_VARIANCE * (1.0 if variational else float(variance.max()))
    figure = encoder_plots.latent_variances(variance, threshold)
    alt = f"Variance of each latent: {used.active} of {used.latents} are active"
    yield html.drawing(figure, alt, _active_words(variational))
    if variational:
        order = encoder_plots.falling(variance)
        dead = np.isin(np.arange(used.latents), used.dead)
        figure = encoder_plots.latent_rates(np.array(used.kl), dead, order)
        caption = (
            "What each tells of a held-out frame; an active latent with little is a vague one."
        )
        yield html.drawing(figure, f"KL of each latent, {used.rate:.2f} nats in all", caption)


def _code_words(used: Code, variational: bool) -> str:
    carries = (
        f"They carry {used.rate:.2f} nats a held-out frame."
        if variational
        else "The objective puts no price on what they carry, so that it is not measured."
    )
    dead = ", ".join(map(str, used.dead[:LISTED]))
    more = f" and {len(used.dead) - LISTED} more" if len(used.dead) > LISTED else ""
    idle = f" Dead: {dead}{more}." if used.dead else ""
    return f"{used.active} of {used.latents} latents are active. {carries}{idle}"


def _active_words(variational: bool) -> str:
    unit = "the prior's" if variational else "that of the most varying latent"
    return (
        "A latent is active if the variance of its posterior mean over training frames is above "
        f"1 % of {unit} (Burda et al., 2016). A dead one tells the decoder and the agent nothing."
    )


def _duplicates(used: Code) -> list[str]:
    if not used.duplicates:
        return [html.paragraph("No two latents say the same.")] if used.active > 1 else []
    pairs = [
        f"latents {pair.first} and {pair.second}, correlation {pair.correlation:+.2f}"
        for pair in used.duplicates[:LISTED]
    ]
    left = len(used.duplicates) - LISTED
    more = [f"and {left} more pairs in health.json"] if left > 0 else []
    return [html.paragraph("Pairs that say the same:"), html.bullets([*pairs, *more])]


def overfitting(evidence: Evidence, folder: Path) -> str:
    return html.section(
        "overfitting",
        "Overfitting",
        html.paragraph(_ratio_words(evidence.overfitting, evidence.reconstruction.held_out)),
        picture(folder, "training.png"),
    )


def _ratio_words(ratio: Overfitting, held_out: Errors) -> str:
    interval = (
        "no interval, since a split is a single episode; raise rollouts.frames for more"
        if ratio.low is None
        else f"95 % interval over episodes {ratio.low:.2f} to {ratio.high:.2f}"
    )
    return (
        f"The squared error on {held_out.episodes} held-out episodes is {ratio.ratio:.2f} times "
        f"that on training episodes ({interval}). 1 means that nothing was learned by heart."
    )


def neighbours(evidence: Evidence) -> str:
    """Return the section on whether frames with similar latents are similar."""
    near = evidence.neighbours
    words = (
        f"For {near.queries:,} held-out frames the nearest of {near.candidates:,} training frames "
        "was sought, once by whitened latents and once by pixels. How like it is: 0 as a random "
        "frame, 1 as the nearest there is."
    )
    rows = [
        _closeness("in all pixels", near.pixels, "all frames are equal"),
        _closeness("in the pixels that move", near.moving, "no pixel moves"),
        _closeness(
            "in the true state", near.state, evidence.no_probes or "the state hardly varies"
        ),
    ]
    table = html.table(["alike", "nearest latents", "nearest pixels"], rows)
    return html.section("neighbours", "Neighbours", html.paragraph(words), table)


def _closeness(name: str, near: Closeness | None, reason: str) -> tuple[str, list[html.Cell]]:
    if near is None:
        return f"{name}: {reason}", [("n/a", ""), ("n/a", "")]
    return name, [(f"{near.latents:z.2f}", ""), (f"{near.pixels:z.2f}", "")]


def pictures(evidence: Evidence, folder: Path) -> str:
    """Return the section of traversals and samples, decoded from latents of no real frame."""
    shown = [picture(folder, "traversals.png"), picture(folder, "samples.png")]
    return html.section("pictures", "Traversals and samples", *shown, *_explorer(folder))


def _explorer(folder: Path) -> Iterator[str]:
    """Yield a link to the explorer beside the encoder's `folder`, or how to make it."""
    if (folder.parent / EXPLORER).is_file():
        yield html.link(f"../{EXPLORER}", "Move the latents yourself, in the explorer")
    else:
        yield html.paragraph("A page in which one moves the latents oneself:")
        yield html.code("python -m scripts.explore CONFIG")
