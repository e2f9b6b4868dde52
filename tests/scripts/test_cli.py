"""What ends a command before its time is one line and a status."""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import scripts.study
from agents.config.experiment import Experiment
from scripts.cli import Parser, run
from scripts.options import joined
from worldvae.config import parse_overrides, to_yaml
from worldvae.errors import WorldvaeError


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    """Those of pytest afterwards; Ray, in the same process before, leaves one of its own."""
    which = signal.SIGINT, signal.SIGTERM
    before = [signal.getsignal(one) for one in which]
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    yield
    for one, handler in zip(which, before, strict=True):
        signal.signal(one, handler)


@pytest.fixture(autouse=True)
def _words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["scripts/train.py", "tests/tiny.yaml", "--name", "a b"])


def fail(error: BaseException) -> Callable[[], None]:
    def command() -> None:
        raise error

    return command


def send(which: signal.Signals) -> Callable[[], None]:
    def command() -> None:
        signal.raise_signal(which)

    return command


AGAIN = "to go on from here: python -m scripts.train tests/tiny.yaml --name 'a b'"


@pytest.mark.parametrize(
    ("command", "status", "line"),
    [
        (fail(WorldvaeError("no such key")), 2, "error: no such key"),
        (send(signal.SIGINT), 130, f"interrupted; {AGAIN}"),
        (send(signal.SIGTERM), 143, f"terminated; {AGAIN}"),
        (
            fail(OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "runs/x/progress.json")),
            2,
            "error: runs/x/progress.json: No space left on device",
        ),
        (fail(MemoryError("Unable to allocate 7 TiB")), 2, "error: out of memory: Unable to al"),
        (fail(MemoryError()), 2, "error: out of memory: use smaller batches or fewer of"),
    ],
)
def test_an_end_before_its_time_is_a_line_and_a_status(
    command: Callable[[], None], status: int, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        run(command)
    assert end.value.code == status
    told = capsys.readouterr().err
    assert told.startswith(line)
    assert told.count("\n") == 1


def test_what_nobody_expected_keeps_its_traceback() -> None:
    with pytest.raises(ZeroDivisionError):
        run(fail(ZeroDivisionError("a bug")))


def print_into(path_or_pipe: Any, told: Path) -> int:
    """The status of a command that prints, in a process of its own; `told`: standard error."""
    child = os.fork()
    if child == 0:
        status = 99
        try:
            sys.stdout = open(path_or_pipe, "w")  # noqa: SIM115  # until the process ends
            sys.stderr = told.open("w")
            run(lambda: print("a result"))
        except SystemExit as end:
            status = int(end.code or 0)
        finally:
            sys.stderr.close()
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_a_reader_that_has_gone_ends_it_quietly(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    assert print_into(writer, tmp_path / "told") == 141
    os.close(writer)
    assert (tmp_path / "told").read_text() == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a disk that is always full")
def test_a_result_that_nobody_can_write_down_is_said(tmp_path: Path) -> None:
    assert print_into("/dev/full", tmp_path / "told") == 2
    told = (tmp_path / "told").read_text()
    assert told == "error: standard output: No space left on device\n"


def test_what_ignores_ctrl_c_in_the_background_of_a_shell_goes_on_ignoring_it() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    run(send(signal.SIGINT))


@pytest.fixture
def moved(tmp_path: Path) -> Path:
    """The configuration of a run that was moved after it was written."""
    experiment = Experiment(runs=tmp_path, name="before")
    (tmp_path / "after" / "agents" / "blind" / "seed_0").mkdir(parents=True)
    config = tmp_path / "after" / "config.yaml"
    config.write_text(to_yaml(experiment))
    return config


def parsed(monkeypatch: pytest.MonkeyPatch, *words: str) -> Experiment:
    monkeypatch.setattr(sys, "argv", ["scripts/compare.py", *words])
    return Parser("").parse()[1]


def test_a_run_that_was_moved_is_told_of(moved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = f"--runs {moved.parents[1]} --name after"
    with pytest.warns(UserWarning, match=f"names .*/before as its run.* add {options}"):
        parsed(monkeypatch, str(moved))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        parsed(monkeypatch, str(moved), *options.split())
        moved.parent.rename(moved.parents[1] / "before")
        parsed(monkeypatch, str(moved.parents[1] / "before" / "config.yaml"))


@pytest.mark.parametrize(
    "words",
    [
        ["CONFIG", "--name", "x", "--env.kwargs.laps", "2", "--pretrain.steps=-3"],
        ["--name", "x", "CONFIG", "--env.kwargs.laps=2", "--pretrain.steps", "-3"],
        ["--name=x", "--env.kwargs.laps", "2", "--pretrain.steps", "-3", "CONFIG"],
    ],
)
def test_keys_may_come_before_the_file(words: list[str]) -> None:
    own = argparse.ArgumentParser()
    own.add_argument("config")
    options, rest = own.parse_known_args(joined(words, Experiment))
    assert options.config == "CONFIG"
    assert parse_overrides(rest, Experiment) == {
        "name": "x",
        "env.kwargs.laps": 2,
        "pretrain.steps": -3,
    }


def test_a_command_takes_keys_before_its_file(moved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    experiment = parsed(monkeypatch, "--name", "after", "--pretrain.steps", "7", str(moved))
    assert (experiment.name, experiment.pretrain.steps) == ("after", 7)


def test_a_command_for_one_environment_works_where_the_comparison_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scale = {"random_score": 0, "reference_score": 1}
    envs = {"me/A-v0": scale, "me/B-v0": {**scale, "env": {"action_repeat": 3}}}
    experiment = Experiment(runs=tmp_path, name="both", compare={"envs": envs})
    config = tmp_path / "both.yaml"
    config.write_text(to_yaml(experiment))
    one = parsed(monkeypatch, str(config), "--env.id", "me/B-v0")
    assert (one.folder, one.env.action_repeat) == (tmp_path / "both" / "me-B-v0", 3)
    with pytest.raises(WorldvaeError, match=r"set --env\.id to me/A-v0 or me/B-v0"):
        parsed(monkeypatch, str(config))
    assert [*Parser("", scope="all").parse()[1].tasks] == ["me/A-v0", "me/B-v0"]


def test_a_command_for_several_environments_works_in_the_one_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config, scale = tmp_path / "both.yaml", {"random_score": 0, "reference_score": 1}
    both = {"runs": tmp_path, "compare": {"envs": {"me/A-v0": scale, "me/B-v0": scale}}}
    config.write_text(to_yaml(Experiment.model_validate(both)))
    monkeypatch.setattr(sys, "argv", ["scripts/compare.py", str(config), "--env.id", "me/B-v0"])
    one = Parser("", scope="all").parse()[1]
    assert one.tasks == {"me/B-v0": one}
    assert one.folder == tmp_path / "both" / "me-B-v0"
    sys.argv[-1] = "me/C-v0"
    with pytest.raises(WorldvaeError, match=r"is not in me/C-v0 .* to me/A-v0 or me/B-v0"):
        Parser("", scope="all").parse()


def test_the_environments_of_a_study_are_not_replaced_in_silence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    words = ["tests/tiny.yaml", "--study.envs", "[me/A-v0]", "--env.id", "me/B-v0"]
    monkeypatch.setattr(sys, "argv", ["scripts/study.py", *words])
    with pytest.raises(WorldvaeError, match=r"study\.envs replaces --env\.id"):
        scripts.study.main()


def test_the_environment_of_an_option_may_name_its_module(
    moved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = parsed(monkeypatch, str(moved), "--env.id", "my.envs:me/A-v0")
    assert (one.env.id, one.env.import_) == ("me/A-v0", "my.envs")
    config, scale = tmp_path / "both.yaml", {"random_score": 0, "reference_score": 1}
    envs = {"my.envs:me/A-v0": scale, "other:me/B-v0": scale, "worldvae/Dots-v0": scale}
    both = {"runs": tmp_path, "name": "both", "compare": {"envs": envs}}
    config.write_text(to_yaml(Experiment.model_validate(both)))
    for asked in ("my.envs:me/A-v0", "me/A-v0"):
        one = parsed(monkeypatch, str(config), "--env.id", asked)
        assert (one.env.id, one.env.import_) == ("me/A-v0", "my.envs")
        assert one.folder == tmp_path / "both" / "me-A-v0"


def test_a_key_without_a_value_is_said(moved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(WorldvaeError, match=r"--pretrain\.steps has no value"):
        parsed(monkeypatch, str(moved), "--pretrain.steps")


def test_a_command_that_torchrun_would_start_several_times_says_so(
    moved: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(WorldvaeError, match=r"which only scripts\.pretrain does; start it alone"):
        parsed(monkeypatch, str(moved), "--name", "after")
    monkeypatch.setenv("WORLD_SIZE", "1")
    parsed(monkeypatch, str(moved), "--name", "after")
