"""The section with the agents' films: one of all side by side, or one of each."""

from __future__ import annotations

from pathlib import Path

import cv2

from agents.run.agent_files import VIDEO, check_file
from agents.run.records import AgentRecord, Run
from agents.video.play import FILM, FilmRecord, read_film
from agents.video.player import short_return
from worldvae import html
from worldvae.errors import WorldvaeError

VIDEO_BYTES = 8_000_000
"""Films beyond this sum are named instead of embedded: a larger page opens slowly."""

CAPTION = (
    "Above the frame, below it what the agent sees: its stack of frames, what its latents keep, or "
    "bars. An agent whose episode has ended stands still. Each agent's own film is in its folder."
)


def films(run: Run) -> str:
    """Return the section with one film of all agents, or with each agent's own.

    "" without films.
    """
    record = read_film(run.folder)
    if record is None:
        return agent_films(run)
    path = run.folder / FILM
    lead = (
        "The first seed of each arm, chosen by its number and not by its return, in the same "
        f"episode (seed {record.episode}). One episode is no result."
    )
    if path.stat().st_size > VIDEO_BYTES:
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
    """Return the film's first picture as PNG; empty if it cannot be read."""
    video = cv2.VideoCapture(str(film))
    try:
        is_there, picture = video.read()
        return cv2.imencode(".png", picture)[1].tobytes() if is_there else b""
    finally:
        video.release()


def agent_films(run: Run) -> str:
    """Return the section with the film of each arm's first seed; "" without films."""
    shown, room = [], VIDEO_BYTES
    for arm in run.arms:
        if not (agents := [a for a in run.of(arm) if a.result and (a.folder / VIDEO).is_file()]):
            continue
        path, title = agents[0].folder / VIDEO, f"{arm}, seed {agents[0].seed}"
        if damage := _damage(agents[0]):
            shown.append(html.paragraph(f"{title}: left out: {damage}."))
            continue
        room -= path.stat().st_size
        where = path.relative_to(run.folder).as_posix()
        shown.append(
            html.video(path, title, "The final agent.")
            if room >= 0
            else html.paragraph(f"{title}: too large for this page, see {where}")
        )
    if not shown:
        return ""
    lead = "The first seed of each arm, chosen by its number and not by its return."
    return html.section(
        "videos", "The agents at work", html.paragraph(lead), html.beside(*shown, layout="triple")
    )


def _damage(agent: AgentRecord) -> str:
    try:
        check_file(agent.folder, VIDEO, agent.result.files if agent.result else None)
    except WorldvaeError as error:
        return str(error)
    return ""
