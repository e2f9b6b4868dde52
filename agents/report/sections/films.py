"""The agents side by side in a report."""

from __future__ import annotations

from pathlib import Path

import cv2

from agents.report.sections import exhibits
from agents.run.records import Run
from agents.video.play import FILM, FilmRecord, read_film
from agents.video.player import short_return
from worldvae import html

CAPTION = (
    "Above the frame, below it what the agent sees: its stack of frames, what its latents keep, or "
    "bars. Who has ended stands still. Each agent's own film lies in its folder."
)


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
    if path.stat().st_size > exhibits.VIDEO_BYTES:
        shown = html.paragraph(f"The film is too large for this page, see {FILM} beside it.")
    else:
        video = html.video(path, "Side by side", CAPTION, _first_picture(path))
        shown = html.beside(video, _table(record), layout="film")
    return html.section("videos", "The agents side by side", html.paragraph(lead), shown)


def _table(record: FilmRecord) -> str:
    rows = [
        (
            f"{agent.arm}, seed {agent.seed}",
            [
                (short_return(agent.return_), ""),
                (str(agent.decisions), "" if agent.ended else "film cut here"),
            ],
        )
        for agent in record.agents
    ]
    return html.table(["in this episode", "return", "decisions"], rows)


def _first_picture(film: Path) -> bytes:
    """PNG; empty where the film cannot be read."""
    video = cv2.VideoCapture(str(film))
    try:
        is_there, picture = video.read()
        return cv2.imencode(".png", picture)[1].tobytes() if is_there else b""
    finally:
        video.release()
