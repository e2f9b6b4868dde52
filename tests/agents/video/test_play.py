"""Agents that are watched: the episode is the environment's, the views are what they were given."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from agents.arms.registry import ARMS, ArmName
from agents.config.experiment import Experiment
from agents.policy.agent import Agent
from agents.prepare import prepare
from agents.run.agent_card import read_card
from agents.train import train
from agents.video.film import GAP, film, pictures, shrink
from agents.video.panels import LINE, SIDE, Panel, bars, fitted
from agents.video.play import (
    FILM,
    FILM_RECORD,
    film_side_by_side,
    find_agents,
    played,
    playing,
    read_film,
)
from agents.video.player import Player, short_return
from tests.commands import FORKS
from tests.tiny import TINY
from worldvae.autoencoders.window import Window
from worldvae.config import to_yaml
from worldvae.envs import make_env
from worldvae.envs.world import RealWorld
from worldvae.errors import WorldvaeError
from worldvae.files import atomic_write_text


@pytest.fixture(scope="module")
def trained(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One agent of every arm, of seed 0, and another one of blind."""
    runs, short = tmp_path_factory.mktemp("trained") / "runs", {"agent.env_steps": 240}
    shutil.copytree(prepared, runs)
    experiment = Experiment.load(TINY, {"runs": str(runs), **short})
    prepare(experiment, ARMS)
    atomic_write_text(experiment.folder / "config.yaml", to_yaml(experiment))
    for arm in ARMS:
        train(experiment, arm, 0)
    train(experiment, "blind", 3)
    return experiment.folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


def to_the_end(players: Sequence[Player]) -> list[np.ndarray[Any, Any]]:
    return list(pictures(players))


def frames_of(path: Path) -> list[np.ndarray[Any, Any]]:
    video, found = cv2.VideoCapture(str(path)), []
    while (read := video.read())[0]:
        found.append(read[1])
    return found


def rate_of(path: Path) -> float:
    return float(cv2.VideoCapture(str(path)).get(cv2.CAP_PROP_FPS))


def test_a_player_plays_the_episode_of_its_seed(trained: Path) -> None:
    """Frames, return and length are those of the same actions in an environment of its own."""
    folder = trained / "agents/blind/seed_0"
    card = read_card(folder)
    player = Player("blind, seed 0", Agent.load(folder), RealWorld(card.env.as_evaluated()), 5)
    world = make_env(card.env.as_evaluated())
    frame, _ = world.reset(seed=5)
    total, ended = 0.0, False
    while not ended:
        np.testing.assert_array_equal(player.frame, frame)
        frame, reward, terminated, truncated, _ = world.step(player._action)
        total, ended = total + float(reward), terminated or truncated
        player.step()
    assert player.ended
    assert player.total == pytest.approx(total)
    decisions = player.decisions
    player.step()
    assert (player.decisions, player.total) == (decisions, pytest.approx(total)), "it stands still"


def test_an_agent_plays_alike_alone_and_in_company(trained: Path) -> None:
    """Actions are sampled, so this needs a generator for each."""
    folders = find_agents(trained)
    assert [folder.parent.name for folder in folders] == list(ARMS)
    with playing(folders, 11) as players:
        to_the_end(players)
        together = played(folders, players)
    for folder, expected in zip(folders, together, strict=True):
        with playing([folder], 11) as players:
            to_the_end(players)
            assert played([folder], players) == (expected,)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (12345.6, "12,346"),
        (-99999.4, "-99,999"),
        (99.0, "99.00"),
        (0.0583, "0.06"),
        (-7.5, "-7.50"),
        (-3.04e-6, "-3.0e-06"),
        (5e-17, "0.00"),
        (0.0, "0.00"),
    ],
)
def test_returns_are_short(value: float, text: str) -> None:
    assert short_return(value) == text


def test_another_episode_is_another_world(trained: Path) -> None:
    with playing(find_agents(trained, "blind"), 1) as one:
        first = one[0].frame
    with playing(find_agents(trained, "blind"), 2) as two:
        assert not np.array_equal(first, two[0].frame)


@pytest.mark.parametrize("arm", ARMS)
def test_what_is_shown_is_what_the_policy_was_given(trained: Path, arm: ArmName) -> None:
    """agent.stack is 2: frames side by side, the newest latents or all numbers as bars."""
    with playing(find_agents(trained, arm), 3) as (player,):
        view, encoder = Panel(player), player.agent.encode
        player.step()
        picture = view.picture(beside=False)
        shown = picture[-SIDE:]
        if arm in {"pixels", "finetune"}:
            np.testing.assert_array_equal(player.seen[..., 3:], player.frame)
            half = fitted(player.frame, SIDE // 2, SIDE // 2)
            np.testing.assert_array_equal(shown[: SIDE // 2, SIDE // 2 :], half)
        elif encoder is not None and encoder.encoder.card.trained:
            kept = encoder.encoder.reconstruct(player.frame[None])[0]
            np.testing.assert_array_equal(shown, fitted(kept))
        else:
            values = player.seen[-4:] if arm == "untrained" else player.seen
            expected = bars(values, view._colour, 1.0 if arm == "blind" else 3.0)
            np.testing.assert_array_equal(shown, expected)
        assert (picture[2 * LINE : 2 * LINE + SIDE] == fitted(player.frame)).all()


def test_a_frame_to_come_is_not_called_what_latents_keep(trained: Path) -> None:
    with playing(find_agents(trained, "latent"), 3) as (player,):
        view = Panel(player)
        assert view._encoder is not None
        assert view._view()[0] == "its latents keep"
        view._encoder.window = Window(ahead=2)
        assert view._view()[0] == "2 decisions later"


def test_bars_rise_and_fall_from_the_middle_and_are_cut() -> None:
    """Of 1, -1 and 30 with 2 for a full bar: half up, half down, all the way up."""
    picture = bars(np.array([1.0, -1.0, 30.0]), (255, 0, 0), 2.0)
    red = (picture == (255, 0, 0)).all(-1)
    columns = [red[:, place] for place in (20, SIDE // 2, SIDE - 20)]
    up, down, cut = (np.flatnonzero(column) for column in columns)
    middle, full = SIDE // 2, SIDE // 2 - 4
    assert (up.min(), up.max()) == (middle - full // 2, middle - 1)
    assert (down.min(), down.max()) == (middle + 1, middle + full // 2)
    assert cut.min() == 4


def test_a_frame_keeps_its_proportions() -> None:
    wide = fitted(np.full((10, 40, 1), 200, np.uint8))
    lit = np.argwhere((wide == 200).all(-1))
    assert wide.shape == (SIDE, SIDE, 3)
    assert np.ptp(lit, axis=0).tolist() == [SIDE // 4 - 1, SIDE - 1]


def of_unequal_length(trained: Path) -> list[Player]:
    """Two agents in an episode whose limit of time comes earlier for the first of them."""
    folders = [trained / f"agents/blind/seed_{seed}" for seed in (0, 3)]
    players = []
    for folder, limit in zip(folders, (6, 24), strict=True):
        card = read_card(folder)
        env = card.env.model_copy(update={"max_episode_steps": limit})
        players.append(
            Player(f"blind, seed {card.seed}", Agent.load(folder), RealWorld(env.as_evaluated()), 5)
        )
    return players


def test_who_has_ended_stands_still_until_the_last_one_has(trained: Path, tmp_path: Path) -> None:
    players = of_unequal_length(trained)
    shown = to_the_end(players)
    lengths = [player.decisions for player in players]
    assert lengths[0] < lengths[1] == len(shown) - 1
    stood = [picture[:, : SIDE + GAP] for picture in shown[lengths[0] :]]
    assert all(np.array_equal(one, stood[0]) for one in stood)
    before = shown[lengths[0] - 1][: 2 * LINE, : SIDE + GAP]
    assert not np.array_equal(before, stood[0][: 2 * LINE]), "its line says that it has ended"
    film(of_unequal_length(trained), tmp_path / "film.webm")
    assert len(frames_of(tmp_path / "film.webm")) == len(shown)


def test_a_film_is_cut_at_most_decisions(trained: Path) -> None:
    with playing(find_agents(trained, "blind"), 4) as players:
        assert len(list(pictures(players, limit=2))) == 3
        assert not players[0].ended
        assert "so far" in played(find_agents(trained, "blind"), players)[0].text


def test_a_film_is_written_without_a_word(
    trained: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Of OpenCV's FFmpeg; what Python says afterwards is heard again."""
    with playing(find_agents(trained, "blind"), 4) as players:
        capfd.readouterr()
        film(players, tmp_path / "film.webm", limit=2)
    assert capfd.readouterr().err == ""
    print("heard", file=sys.stderr)
    assert capfd.readouterr().err == "heard\n"


def test_a_large_film_loses_every_second_picture(trained: Path, tmp_path: Path) -> None:
    path = tmp_path / "film.webm"
    with playing(find_agents(trained, "blind"), 4) as players:
        film(players, path)
    before, size, rate = frames_of(path), path.stat().st_size, rate_of(path)
    shrink(path, size)
    assert len(frames_of(path)) == len(before), "it is small enough"
    shrink(path, size - 1)
    assert len(frames_of(path)) == (len(before) + 1) // 2
    assert rate_of(path) == pytest.approx(rate / 2), "it lasts as long"


def test_the_film_of_a_run_is_made_once_and_again_for_other_agents(run: Path) -> None:
    film_side_by_side(run)
    record = read_film(run)
    assert record is not None
    assert record.episode == 1_000_000
    assert [(agent.arm, agent.seed) for agent in record.agents] == [(arm, 0) for arm in ARMS]
    made = (run / FILM).stat().st_mtime_ns
    film_side_by_side(run)
    assert (run / FILM).stat().st_mtime_ns == made
    shutil.rmtree(run / "agents/blind/seed_0")
    assert read_film(run) is None, "it shows an agent that is no longer there"
    film_side_by_side(run)
    again = read_film(run)
    assert again is not None
    assert again.agents[-1].seed == 3
    (run / FILM_RECORD.name).write_text("{")
    assert read_film(run) is None


def test_two_processes_film_one_after_the_other(run: Path) -> None:
    both = [FORKS.Process(target=film_side_by_side, args=(run,)) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    assert read_film(run) is not None


def test_agents_are_found_in_runs_and_in_their_own_folders(run: Path) -> None:
    assert find_agents(run, "blind") == [run / "agents/blind/seed_0"]
    assert find_agents(run, seed=3) == [run / "agents/blind/seed_3"]
    assert find_agents(run / "agents/state/seed_0") == [run / "agents/state/seed_0"]
    (run / "agents/blind/seed_0/result.json").unlink()
    assert find_agents(run, "blind") == [run / "agents/blind/seed_3"]


@pytest.mark.parametrize(("arm", "seed"), [(None, 9), ("latent", 3), ("blind", 1)])
def test_agents_that_are_not_there_are_one_line(
    trained: Path, arm: ArmName | None, seed: int
) -> None:
    with pytest.raises(WorldvaeError, match=f"no finished agent.* with seed {seed} here"):
        find_agents(trained, arm, seed)


def test_a_film_that_cannot_be_written_says_why(trained: Path) -> None:
    with (
        playing(find_agents(trained, "blind"), 4) as players,
        pytest.raises(WorldvaeError, match="/proc/nowhere"),
    ):
        film(players, Path("/proc/nowhere/film.webm"))


@pytest.mark.parametrize("arm", ["pixels", "state"])
def test_of_a_dict_the_image_is_shown(tmp_path: Path, arm: ArmName) -> None:
    clock = {"id": "tests/Clock-v0", "import": "tests.worlds", "workers": "sync"}
    camera = {"kwargs": {"as_dict": True}, "image_key": "camera"}
    short = {"agent.env_steps": 120, "evaluation.episodes_otherwise": 0}
    changes = {"runs": str(tmp_path), "env": {**clock, **camera}, **short}
    folder = train(Experiment.load(TINY, changes), arm, 0)
    with playing([folder], 3) as (player,):
        shown = to_the_end([player])
        assert len(shown) == player.decisions + 1 >= 4
        numbers = player.seen.shape[-1] // 2  # agent.stack
        assert numbers == (3 if arm == "pixels" else 1), "channels, or the age of the clock"
        assert player.frame.shape == (64, 64, 3)
