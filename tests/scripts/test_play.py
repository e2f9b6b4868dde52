"""`scripts.play` as a user types it, and its mistakes, each in one line."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from agents.config.experiment import Experiment
from agents.prepare import prepare
from agents.train import train
from agents.video.display import show
from scripts.cli import run as run_command
from scripts.play import main
from tests import commands
from worldvae.config import to_yaml
from worldvae.files import atomic_write_text

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    runs, short = str(tmp_path_factory.mktemp("runs")), {"agent.env_steps": 240}
    experiment = Experiment.load(ROOT / "tests/tiny.yaml", {"runs": runs, **short})
    prepare(experiment, ("untrained",))
    atomic_write_text(experiment.folder / "config.yaml", to_yaml(experiment))
    train(experiment, "untrained", 1)
    train(experiment, "blind", 0)
    return experiment.folder


@pytest.fixture
def run(trained: Path, tmp_path: Path) -> Path:
    return shutil.copytree(trained, tmp_path / "run")


Typed = Callable[..., tuple[int, str, str]]
Refused = Callable[..., str]


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Status, stdout and stderr of the command with these words, in this process."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.chdir(ROOT)

    def typed(*words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["play", *map(str, words)])
        try:
            status = run_command(main) or 0
        except SystemExit as left:
            status = int(str(left.code))
        return status, *capsys.readouterr()

    return typed


@pytest.fixture
def refused(play: Typed) -> Refused:
    """The one line that the command says before it ends with status 2."""

    def typed(*words: str | Path) -> str:
        status, out, err = play(*words)
        (line,) = err.splitlines()
        assert (status, out) == (2, "")
        return line

    return typed


def length(path: Path) -> int:
    video, count = cv2.VideoCapture(str(path)), 0
    while video.grab():
        count += 1
    return count


def test_all_arms_play_side_by_side(run: Path) -> None:
    done = commands.run("scripts.play", run)
    untrained, blind, warning, path = done.stdout.splitlines()
    assert untrained.startswith("untrained, seed 1: return ")
    assert blind.startswith("blind, seed 0: return ")
    assert "One episode is no result" in warning
    assert path == str(run / "play.webm")
    decisions = max(int(line.split()[-2]) for line in (untrained, blind))
    assert length(run / "play.webm") == decisions + 1


def test_one_agent_in_an_episode_of_choice(run: Path, tmp_path: Path, play: Typed) -> None:
    out = tmp_path / "films" / "blind.webm"
    words = ("--episode", "7", "--out", out)
    by_arm = play(run, "--arm", "blind", *words)
    assert by_arm == play(run / "agents/blind/seed_0", *words)
    status, said, _ = by_arm
    assert (status, said.splitlines()[-1]) == (0, str(out))
    assert length(out) > 1
    assert not (run / "play.webm").exists()


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], "the following arguments are required: RUN"),
        (["nowhere"], "nowhere: no such folder"),
        (["docs"], "docs: does not hold a run or an agent"),
        (["docs", "--arm", "latnt"], "invalid choice: 'latnt'"),
        (["docs", "--seed", "-1"], "--seed = '-1'"),
        (["docs", "--episode", "x"], "--episode = 'x': expected a number from 0"),
        (["docs", "--out", "film.mp4"], "--out film.mp4: a film is written as WebM"),
        (["docs", "stray"], "unrecognized arguments: stray"),
    ],
)
def test_mistakes_are_one_line(words: list[str], expected: str, refused: Refused) -> None:
    assert expected in refused(*words)


def test_an_arm_or_a_seed_that_is_not_there(run: Path, refused: Refused) -> None:
    assert "no finished agent of latent here" in refused(run, "--arm", "latent")
    assert "no finished agent with seed 5 here" in refused(run, "--seed", "5")
    assert "no finished agent of latent here" in refused(
        run / "agents/blind/seed_0", "--arm", "latent"
    )


def test_an_agent_that_has_not_finished(run: Path, refused: Refused) -> None:
    folder = run / "agents/blind/seed_0"
    (folder / "result.json").unlink()
    assert "no finished agent here" in refused(folder)
    assert "no finished agent of blind here" in refused(run, "--arm", "blind")


def test_an_encoder_that_is_missing(run: Path, refused: Refused) -> None:
    shutil.rmtree(run / "untrained_encoder")
    assert "untrained_encoder" in refused(run)


@pytest.mark.parametrize("damage", ["card", "weights", "settings"])
def test_an_agent_that_is_damaged(run: Path, damage: str, refused: Refused) -> None:
    folder = run / "agents/blind/seed_0"
    (weights,) = folder.glob("model_*.zip")
    path = {"card": folder / "card.json", "weights": weights, "settings": folder / "settings.yaml"}
    path[damage].write_bytes(b"{")
    assert str(path[damage]) in refused(run, "--arm", "blind")


def test_a_film_that_cannot_be_written(run: Path, refused: Refused) -> None:
    assert "/proc/nowhere" in refused(run, "--arm", "blind", "--out", "/proc/nowhere/film.webm")


def test_a_window_needs_a_display(run: Path, refused: Refused) -> None:
    assert "--window: no display" in refused(run, "--arm", "blind", "--window")


@pytest.mark.parametrize(("key", "shown"), [(-1, 3), (ord("q"), 1)])
def test_a_window_shows_every_picture_until_it_is_left(
    monkeypatch: pytest.MonkeyPatch, key: int, shown: int
) -> None:
    """OpenCV shows BGR; a picture stays for a tenth of a second at 10 a second."""
    seen, waits = [], []

    def wait(milliseconds: int) -> int:
        waits.append(milliseconds)
        return key

    monkeypatch.setattr(cv2, "namedWindow", lambda *_: None)
    monkeypatch.setattr(cv2, "destroyAllWindows", lambda: None)
    monkeypatch.setattr(cv2, "getWindowProperty", lambda *_: 1.0)
    monkeypatch.setattr(cv2, "waitKey", wait)
    monkeypatch.setattr(cv2, "imshow", lambda _, picture: seen.append(picture[0, 0].tolist()))

    def pictures() -> Iterator[np.ndarray]:
        yield from (np.full((2, 2, 3), (number, 0, 9), np.uint8) for number in range(3))

    show("title", pictures(), 10.0)
    assert seen == [[9, 0, number] for number in range(shown)]
    assert waits == [100] * shown
