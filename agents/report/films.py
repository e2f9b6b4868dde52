"""The agents side by side in a report."""

from __future__ import annotations

from agents.play import FILM, FilmRecord, read_film
from agents.report import exhibits
from agents.report.records import Run
from worldvae import html


def films(run: Run) -> str:
    """One film of the final agents; until there is one, each agent's own; '' without either."""
    record = read_film(run.folder)
    if record is None:
        return exhibits.videos(run)
    path = run.folder / FILM
    lead = (
        "The first seed of each arm, chosen by its number and not by its return, in the same "
        f"episode (seed {record.episode}). One episode is no result."
    )
    shown = (
        html.beside(html.video(path, "Side by side", _caption(record)), layout="film")
        if path.stat().st_size <= exhibits.VIDEO_BYTES
        else html.paragraph(f"The film is too large for this page, see {FILM} beside it.")
    )
    return html.section("videos", "The agents side by side", html.paragraph(lead), shown)


def _caption(record: FilmRecord) -> str:
    agents = "; ".join(agent.words for agent in record.agents)
    return (
        "Above the frame, below it what the agent sees: a stack of frames, what its latents keep, "
        f"or bars. Who has ended stands still. {agents}. Each agent's own film lies in its folder."
    )
