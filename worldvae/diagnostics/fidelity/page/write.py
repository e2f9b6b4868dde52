"""Writes `fidelity.html`, the result of a fidelity check as one self-contained page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from worldvae import html
from worldvae.diagnostics.fidelity.page import calibration, loops
from worldvae.diagnostics.fidelity.page.film import FILM
from worldvae.diagnostics.fidelity.rules.evidence import Fidelity, trusted_words
from worldvae.diagnostics.fidelity.rules.words import decisions
from worldvae.diagnostics.page import parts
from worldvae.files import atomic_write_text
from worldvae.plots.png import is_whole_png
from worldvae.versions import library_versions

MEANINGS = {
    "trusted": "Nothing was found that would keep an agent from learning in these dreams. Whether "
    "what it learns there holds in reality is for the gap report to say: "
    "python -m scripts.gap CONFIG.",
    "doubtful": "Something is amiss that an agent would learn to exploit. Read the findings first: "
    "to train the dynamics again costs less than agents that are good in a wrong dream.",
    "unfit": "These dreams say next to nothing of reality. Train no agent in them: follow the "
    "advice, train the dynamics again into a new folder, and look here again.",
}


def write_page(fidelity: Fidelity, folder: Path) -> None:
    """Write `fidelity.html` into the dynamics' `folder`, with the picture in that folder."""
    atomic_write_text(folder / "fidelity.html", render(fidelity, folder))


def render(fidelity: Fidelity, folder: Path) -> str:
    """Return the whole page; the same check of the same folder gives the same page."""
    sections = (
        _verdict(fidelity),
        parts.findings(fidelity.findings),
        _film(folder),
        loops.codes(fidelity),
        loops.shown(fidelity),
        loops.policies(fidelity),
        calibration.ends(fidelity),
        calibration.reward(fidelity),
        calibration.spread(fidelity),
        calibration.temperature(fidelity),
        _measured(fidelity, folder),
    )
    title = f"{folder.resolve().parent.name}/{folder.resolve().name}"
    return html.document("worldvae dream fidelity", title, _lede(fidelity), sections)


def _lede(fidelity: Fidelity) -> str:
    windows = f"{fidelity.windows['test']:,} held-out starts"
    owner = "" if fidelity.held_out is None else "of an agent"
    episodes = f"{fidelity.codes.episodes:,} episodes {owner}".rstrip()
    return " · ".join([fidelity.env_id, windows, episodes])


def _verdict(fidelity: Fidelity) -> str:
    trusted = trusted_words(fidelity)
    line = f"{fidelity.verdict.capitalize()}. {trusted[0].upper()}{trusted[1:]}."
    if fidelity.verdict != "trusted":
        line = f"{line} {fidelity.findings[0].found}"
    return parts.verdict(fidelity.verdict, line, MEANINGS[fidelity.verdict])


def _film(folder: Path) -> str:
    path, title = folder / FILM, "Real and dreamed"
    if not path.is_file():
        words = "No picture of a dream: the encoder does not decode, or the check drew none."
        return html.section("film", title, html.paragraph(words))
    if not is_whole_png(path):
        words = f"Left out: {path} is damaged; check the dynamics again."
        return html.section("film", title, html.paragraph(words))
    caption = (
        "What really followed, what the decoder makes of its codes, and two dreams. Look for what "
        "vanishes, doubles or stops to move, and whether the two differ where reality is open."
    )
    return html.section("film", title, html.image(path, "One held-out start", caption))


def _measured(fidelity: Fidelity, folder: Path) -> str:
    return parts.measured(
        html.paragraph(
            f"Held-out means {_held_out(fidelity)}: neither training nor the choice of "
            "its best step has seen them. Dreams are trusted up to the last horizon at which both "
            "errors are below those of all others, with the whole interval, before the first at "
            "which one of them is clearly above another; at half of the horizons up to there at "
            "least. All numbers of this page are in fidelity.json beside it."
        ),
        html.paragraph(_chosen(fidelity)),
        html.terms(_amounts(fidelity)),
        command=_again(fidelity, folder),
        versions=library_versions(),
        objective=fidelity.model_dump(mode="json", include={"objective"}),
    )


def _held_out(fidelity: Fidelity) -> str:
    if fidelity.held_out is None:
        return "the test episodes of the rollouts"
    return f"every other episode of {fidelity.held_out}, which an agent played"


def _chosen(fidelity: Fidelity) -> str:
    """Say by which episodes the horizon was chosen, and what the others say of it."""
    advised, confirmed = (decisions(each) for each in (fidelity.horizon, fidelity.confirmed))
    if fidelity.held_out is not None:
        return (
            f"The horizon, {advised}, was chosen on the agent's other episodes at the temperature "
            f"that was chosen there. Those that chose nothing say {confirmed}; all findings are of "
            "them. What is known beforehand, the mean, the codes that training shows and the "
            "probes of the state, is of the rollouts."
        )
    return (
        f"The horizon, {advised}, was chosen on validation episodes at the temperature that was "
        f"chosen there. Test episodes, which chose nothing, say {confirmed}; all findings are of "
        "them."
    )


def _amounts(fidelity: Fidelity) -> Iterator[tuple[str, str]]:
    yield "Windows", ", ".join(f"{count:,} {split}" for split, count in fidelity.windows.items())
    gain = fidelity.reference.action_gain.value
    yield "Actions", f"a linear map saves {100 * gain:.0f} % of its error by knowing them"
    yield "Seconds", parts.times(fidelity.seconds)


def _again(fidelity: Fidelity, folder: Path) -> str:
    stores = ", ".join(f"RolloutStore({path!r})" for path in fidelity.rollouts)
    subject, other = "", ""
    if fidelity.held_out is not None:
        subject = "from worldvae.diagnostics.fidelity.subject import HeldOut\n"
        other = f", held_out=HeldOut(RolloutStore({fidelity.held_out!r}), folder)"
    alone = (
        "from pathlib import Path\n"
        "from worldvae.diagnostics.fidelity.check import check_fidelity, write_fidelity\n"
        f"{subject}from worldvae.rollouts import RolloutStore\n\n"
        f"folder, stores = Path({str(folder)!r}), [{stores}]\n"
        f"dynamics, encoder = {fidelity.dynamics or str(folder)!r}, {fidelity.encoder!r}\n"
        "fidelity = check_fidelity(\n"
        f"    dynamics, encoder, stores, seed={fidelity.seed}, burn_in={fidelity.burn_in}{other}\n"
        ")\n"
        "write_fidelity(fidelity, folder)"
    )
    return parts.again(fidelity.command, alone)
