"""The film of a comparison in its report."""

from __future__ import annotations

import base64
import re
from html import unescape
from pathlib import Path

import cv2
import numpy as np
import pytest

from agents.report.sections import films as films_module
from agents.report.sections.films import films
from agents.run.agent_files import hash_files
from agents.run.load import read_run
from agents.video.play import FILM, FILM_RECORD, FilmRecord, Played, read_film
from tests.agents.report.synthetic import write_json, write_run
from tests.checksums import amend
from worldvae.files import atomic_write_bytes, sha256_file


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """Finished agents of two arms, films of each, and one of both."""
    folder = write_run(tmp_path, {"pixels": {4: [1.0], 2: [1.0]}, "blind": {0: [1.0]}})
    agents = {}
    for arm, seed in (("pixels", 2), ("pixels", 4), ("blind", 0)):
        path = folder / "agents" / arm / f"seed_{seed}"
        card = {"arm": arm, "seed": seed, "env": {}, "algorithm": "PPO", "stack": 1, "whiten": True}
        card |= {"encoder": None, "encoder_sha256": None, "model_sha256": f"{arm}{seed}"}
        write_json(path / "card.json", card)
        atomic_write_bytes(path / "video.webm", b"alone")
        did = {"return_": 1.5, "decisions": 30, "ended": arm == "blind"}
        agents[arm, seed] = Played(arm=arm, seed=seed, model_sha256=f"{arm}{seed}", **did)
    atomic_write_bytes(folder / FILM, b"film")
    write_record(folder, (agents["pixels", 2], agents["blind", 0]))
    return folder


def write_record(folder: Path, agents: tuple[Played, ...]) -> None:
    digest = sha256_file(folder / FILM)
    record = FilmRecord(episode=1_000_000, agents=agents, film_sha256=digest)
    FILM_RECORD.write(folder, record)


def section(folder: Path) -> str:
    return unescape(films(read_run(folder)))


def test_one_film_takes_the_place_of_each_agents_own(run: Path) -> None:
    page = section(run)
    assert page.count("<video") == 1
    assert "data:video/webm;base64,ZmlsbQ==" in page
    assert 'aria-label="Side by side"' in page
    assert "same episode (seed 1000000). One episode is no result." in page
    did = "<td>1.50</td><td>30"
    assert f'<th scope="row">pixels, seed 2</th>{did}<small>film cut here</small>' in page
    assert f'<th scope="row">blind, seed 0</th>{did}</td>' in page


def test_until_it_plays_its_first_picture_is_shown(run: Path) -> None:
    assert "poster" not in section(run), "nobody can read this one"
    writer = cv2.VideoWriter(str(run / FILM), cv2.VideoWriter.fourcc(*"VP90"), 5, (32, 16))
    for level in (200, 0):
        writer.write(np.full((16, 32, 3), level, np.uint8))
    writer.release()
    amend(run / FILM_RECORD.name, film_sha256=sha256_file(run / FILM))
    (still,) = re.findall('poster="data:image/png;base64,([^"]*)"', section(run))
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(still), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    np.testing.assert_allclose(picture, np.full((16, 32, 3), 200), atol=8)


def test_a_film_of_other_agents_is_not_shown(run: Path) -> None:
    card = run / "agents/blind/seed_0/card.json"
    amend(card, model_sha256="retrained")
    page = section(run)
    assert "ZmlsbQ==" not in page
    assert page.count("<video") == 2, "each agent's own, as long as there is none of all"


def test_a_film_that_is_too_large_stays_outside(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(films_module, "VIDEO_BYTES", 3)
    page = section(run)
    assert "<video" not in page
    assert f"too large for this page, see {FILM}" in page


def test_without_any_film_there_is_no_section(tmp_path: Path) -> None:
    assert section(write_run(tmp_path, {"pixels": {0: [1.0]}})) == ""


def test_a_damaged_film_is_made_anew_and_not_shown(run: Path) -> None:
    (run / FILM).write_bytes(b"fild")
    assert read_film(run) is None
    assert section(run).count("<video") == 2


def test_a_damaged_film_of_an_agent_is_said(run: Path) -> None:
    (run / FILM).unlink()
    folder = run / "agents/pixels/seed_2"
    amend(folder / "result.json", files=hash_files(folder))
    assert section(run).count("<video") == 2
    (folder / "video.webm").write_bytes(b"alonf")
    page = section(run)
    assert page.count("<video") == 1
    assert f"pixels, seed 2: left out: {folder}/video.webm: damaged, or edited" in page
