"""Writes `health.html`, the result of a health check as one self-contained page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from worldvae import html
from worldvae.diagnostics.page import figures, parts, state_figures
from worldvae.diagnostics.rules.evidence import Health
from worldvae.files import atomic_write_text
from worldvae.versions import library_versions
from worldvae.wording import percent

MEANINGS = {
    "healthy": "Nothing was found that would keep an agent from learning on these latents. Whether "
    "one gains by them is for a comparison with its control arms to say.",
    "doubtful": "Something is amiss that an agent may pay for with return. Read the findings "
    "first: to pretrain again costs less than to train agents on latents that lack what they need.",
    "unfit": "These latents tell an agent next to nothing of the frame. Train none on them: follow "
    "the advice, pretrain again into a new folder, and look here again.",
}


def write_page(health: Health, folder: Path) -> None:
    """Write `health.html` into the encoder's `folder`, with the pictures in that folder."""
    atomic_write_text(folder / "health.html", render(health, folder))


def render(health: Health, folder: Path) -> str:
    """Return the whole page; the same check of the same folder gives the same page."""
    sections = (
        _verdict(health),
        parts.findings(health.findings),
        figures.reconstruction(health, folder),
        figures.code(health),
        figures.overfitting(health, folder),
        figures.neighbours(health),
        state_figures.probes(health),
        state_figures.disentanglement(health),
        figures.pictures(health, folder),
        _measured(health, folder),
    )
    title = f"{folder.resolve().parent.name}/{folder.resolve().name}"
    return html.document("worldvae encoder health", title, _lede(health), sections)


def _lede(health: Health) -> str:
    objective = health.objective.name if health.trained else "untrained"
    frames = f"{sum(health.frames.values()):,} frames"
    return " · ".join([health.env_id, objective, f"{health.code.latents} latents", frames])


def _verdict(health: Health) -> str:
    line = f"{health.verdict.capitalize()}. {_grounds(health)}"
    return parts.verdict(health.verdict, line, MEANINGS[health.verdict])


def _grounds(health: Health) -> str:
    """Return the gravest finding, or for a healthy encoder its main numbers."""
    if health.verdict != "healthy":
        return health.findings[0].found
    code, lost = health.code, health.reconstruction.held_out.lost
    active = f"{code.active} of {code.latents} latents are active"
    if lost is None or not health.pixels.weight:
        return f"{active}."
    return f"{active}; of what held-out frames show beyond the mean image, {percent(lost)} is lost."


def _measured(health: Health, folder: Path) -> str:
    return parts.measured(
        html.paragraph(
            "Held-out means the test episodes of the rollouts: neither training nor the choice of "
            "its best step has seen them. If a sweep of these rollouts chose beta or the number of "
            "latents, it did so by the same episodes, and what they say is a little too good. "
            "All numbers of this page are in health.json beside it."
        ),
        html.terms(_amounts(health)),
        command=_again(health, folder),
        versions=library_versions(),
        objective=health.model_dump(mode="json", include={"objective", "pixels"}),
    )


def _amounts(health: Health) -> Iterator[tuple[str, str]]:
    errors, near = health.reconstruction, health.neighbours
    yield "Rollouts", ", ".join(f"{count:,} {split}" for split, count in health.frames.items())
    for name, part in (("Training", errors.train), ("Held-out", errors.held_out)):
        yield name, f"{part.frames:,} frames of {part.episodes:,} episodes reconstructed"
    yield "Neighbours", f"{near.queries:,} held-out among {near.candidates:,} training frames"
    yield "Seconds", parts.times(health.seconds)


def _again(health: Health, folder: Path) -> str:
    has_ceiling = health.probes is not None and "supervised" in health.probes.mean
    arguments = f"seed={health.seed}{', supervised=True' if has_ceiling else ''}"
    alone = (
        "from pathlib import Path\n"
        "from worldvae.autoencoders.encoder import Encoder\n"
        "from worldvae.diagnostics.health import diagnose, write_health\n"
        "from worldvae.rollouts import RolloutStore\n\n"
        f"folder, rollouts = Path({str(folder)!r}), Path({health.rollouts!r})\n"
        f"health = diagnose(Encoder.load(folder), RolloutStore(rollouts), {arguments})\n"
        "write_health(health, folder)"
    )
    return parts.again(health.command, alone)
