"""Processes of environments that hang, die, fail or outlive their parent."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any, cast

import cv2
import gymnasium as gym
import numpy as np
import pytest

from tests.processes import is_alive, wait_until
from tests.worlds import Clock
from worldvae.envs import EnvConfig, make_vec
from worldvae.envs.backends.workers import WorkerVectorEnv
from worldvae.errors import WorldvaeError


class Lottery(Clock):
    """Draws from the streams that all of a process share, as many home-made environments do."""

    def _observe(self) -> Any:
        frame = super()._observe()
        frame[0, 0, 0] = np.random.randint(256)
        frame[0, 0, 1] = random.randrange(256)
        return frame


@pytest.mark.parametrize("channel", [0, 1])
def test_each_process_draws_its_own_and_the_same_seed_the_same(channel: int) -> None:
    def draws(seed: int) -> list[list[int]]:
        env = WorkerVectorEnv([Lottery] * 2, seed)
        try:
            env.reset(seed=0)
            steps = [env.step(np.zeros(2, int))[0] for _ in range(8)]
            return np.stack(steps)[:, :, 0, 0, channel].T.tolist()
        finally:
            env.close()

    first, second = draws(0)
    assert first != second
    assert draws(0) == [first, second]
    assert first not in draws(1)


class Threaded(Clock):
    """Shows how many threads OpenCV may use in its process."""

    def _observe(self) -> Any:
        return np.full_like(super()._observe(), cv2.getNumThreads())


@pytest.fixture
def two_threads() -> Iterator[None]:
    """OpenCV has begun two threads in this process, which a copy of it lacks."""
    before = cv2.getNumThreads()
    cv2.setNumThreads(2)
    cv2.GaussianBlur(np.zeros((2_000, 2_000, 3), np.uint8), (31, 31), 0)
    yield
    cv2.setNumThreads(before)


@pytest.mark.usefixtures("two_threads")
def test_processes_of_environments_take_one_thread_each() -> None:
    env = WorkerVectorEnv([Threaded] * 2)
    assert (env.reset(seed=0)[0] == 1).all()
    env.close()
    assert cv2.getNumThreads() == 2


@pytest.mark.usefixtures("two_threads")
@pytest.mark.parametrize(("workers", "num_envs"), [("sync", 2), ("async", 1), ("async", 2)])
def test_the_threads_of_this_process_are_left_alone(workers: Any, num_envs: int) -> None:
    make_vec(EnvConfig(id="worldvae/Dots-v0", workers=workers), num_envs, seed=0).close()
    assert cv2.getNumThreads() == 2


class UnsendableError(Exception):
    """Has state that no pickle holds."""

    def __init__(self) -> None:
        super().__init__("lost on the way")
        self.lock = threading.Lock()


class Troubled(Clock):
    """Does `trouble` in its second step; tells of its beginning and its end in `folder`."""

    def __init__(self, folder: Path, trouble: str = "", in_reset: bool = False) -> None:
        super().__init__()
        self._folder, self._trouble, self._in_reset = folder, trouble, in_reset

    def reset(self, **kwargs: Any) -> Any:
        if self._in_reset:
            self._get_into(self._trouble)
        return super().reset(**kwargs)

    def step(self, action: int) -> Any:
        if self.age == 1:
            self._get_into(self._trouble)
        return super().step(action)

    def _get_into(self, trouble: str) -> None:
        (self._folder / "trouble").touch()
        if trouble == "hang":
            time.sleep(1000)
        elif trouble == "killed":
            os.kill(os.getpid(), signal.SIGKILL)
        elif trouble == "exit":
            os._exit(3)
        elif trouble == "mistake":
            raise WorldvaeError("the reward of step 2 is not a number")
        elif trouble == "error":
            raise ValueError("nobody expected this")
        elif trouble == "unsendable":
            raise UnsendableError

    def close(self) -> None:
        (self._folder / f"closed_{os.getpid()}").touch()


def make(folder: Path, trouble: str, **kwargs: Any) -> WorkerVectorEnv:
    good, bad = partial(Clock), partial(Troubled, folder, trouble, **kwargs)
    return WorkerVectorEnv([good, bad, good])


def two_steps(env: WorkerVectorEnv) -> None:
    env.reset(seed=0)
    for _ in range(2):
        env.step(np.zeros(3, int))


@pytest.mark.parametrize("in_reset", [False, True])
@pytest.mark.parametrize(
    ("trouble", "told"),
    [
        (
            "killed",
            "environment 1 of 3: its process was killed by SIGKILL, as the system does when memory "
            "runs out; play fewer at once (num_envs)",
        ),
        ("exit", "environment 1 of 3: its process ended by itself, with status 3"),
        ("mistake", "the reward of step 2 is not a number"),
    ],
)
def test_a_process_that_is_lost_is_told_of_in_a_line(
    tmp_path: Path, trouble: str, told: str, in_reset: bool
) -> None:
    env = make(tmp_path, trouble, in_reset=in_reset)
    with pytest.raises(WorldvaeError) as caught:
        two_steps(env)
    assert str(caught.value) == told
    env.close()
    assert not any(process.is_alive() for process in env.processes)


def test_an_environment_that_is_lost_is_called_by_its_id() -> None:
    """Its number alone does not tell which of a study's, or of a comparison's, it was."""
    vec = make_vec(EnvConfig(**{"id": "tests/Clock-v0", "import": "tests.worlds"}), 2, seed=0)
    vec.reset(seed=0)
    process = cast(WorkerVectorEnv, vec.unwrapped).processes[1]
    process.kill()
    process.join()
    with pytest.raises(WorldvaeError, match=r"^tests/Clock-v0: environment 1 of 2: its process"):
        vec.step(np.zeros(2, int))
    vec.close()


def test_a_process_killed_between_two_steps_is_told_of(tmp_path: Path) -> None:
    env = make(tmp_path, "")
    two_steps(env)
    os.kill(env.processes[2].pid or 0, signal.SIGKILL)
    env.processes[2].join()
    for call in (lambda: env.step(np.zeros(3, int)), lambda: env.call("render"), env.reset):
        with pytest.raises(
            WorldvaeError, match=r"^environment 2 of 3: its process was killed by SIG"
        ):
            call()
        env._state = type(env._state).DEFAULT
    with pytest.raises(WorldvaeError, match=r"^environment 2 of 3"):
        env.set_attr("age", 3)
    env.close()


def test_an_error_in_an_environment_arrives_as_it_was_with_its_place(tmp_path: Path) -> None:
    env = make(tmp_path, "error")
    with pytest.raises(ValueError, match=r"^nobody expected this\n") as caught:
        two_steps(env)
    assert str(caught.value) == "nobody expected this"
    assert "in environment 1:" in caught.value.__notes__[0]
    assert 'test_workers.py", line' in caught.value.__notes__[0]
    env.close()


def test_an_error_that_cannot_be_sent_hangs_nobody(tmp_path: Path) -> None:
    env = make(tmp_path, "unsendable")
    with pytest.raises(RuntimeError, match=r"^UnsendableError: lost on the way\n"):
        two_steps(env)
    env.close()


class Fussy(Clock):
    """Can be made once, by the parent."""

    def __init__(self, parent: int) -> None:
        super().__init__()
        if os.getpid() != parent:
            raise WorldvaeError("not today")


def test_an_environment_that_cannot_be_made_in_its_process_is_told_of() -> None:
    with pytest.raises(WorldvaeError, match=r"^not today$"):
        WorkerVectorEnv([partial(Fussy, os.getpid())] * 2)


def test_an_interrupted_step_is_not_waited_for(tmp_path: Path) -> None:
    env = make(tmp_path, "hang")

    def interrupt() -> None:
        wait_until((tmp_path / "trouble").exists, "no step began")
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        two_steps(env)
    thread.join()
    began = time.monotonic()
    env.close()
    assert time.monotonic() - began < 10
    assert not any(process.is_alive() for process in env.processes)


def test_processes_leave_an_interrupt_to_the_parent(tmp_path: Path) -> None:
    env = make(tmp_path, "")
    for process in env.processes:
        os.kill(process.pid or 0, signal.SIGINT)
    two_steps(env)
    env.close()


def test_an_interrupt_while_processes_begin_is_not_lost() -> None:
    def interrupting() -> gym.Env[Any, Any]:
        if os.getpid() == parent:
            # To this thread, as where it is the only one: earlier tests may have left others.
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
        return Clock()

    parent = os.getpid()
    with pytest.raises(KeyboardInterrupt):
        WorkerVectorEnv([interrupting, interrupting])
    assert signal.SIGINT not in signal.pthread_sigmask(signal.SIG_BLOCK, ())


def test_an_interrupt_that_another_thread_takes_waits_too() -> None:
    """Python drops what is raised while it forks, and calls the handler for every thread."""

    def interrupting() -> gym.Env[Any, Any]:
        if os.getpid() == parent:
            os.kill(parent, signal.SIGINT)  # to whichever thread does not block it
            time.sleep(0.1)
            went_on.append(True)
        return Clock()

    parent, over, went_on = os.getpid(), threading.Event(), list[bool]()
    handler = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=over.wait)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            WorkerVectorEnv([interrupting, interrupting])
    finally:
        over.set()
        thread.join()
    assert went_on
    assert signal.getsignal(signal.SIGINT) is handler


def test_closed_environments_close_themselves(tmp_path: Path) -> None:
    env = make(tmp_path, "")
    two_steps(env)
    env.close()
    assert (tmp_path / f"closed_{env.processes[1].pid}").exists()
    assert [process.exitcode for process in env.processes] == [0, 0, 0]


def test_processes_end_quietly_with_a_killed_parent(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    parent = os.fork()
    if parent == 0:
        env = make(tmp_path, "")
        two_steps(env)
        (tmp_path / "pids").write_text(" ".join(str(process.pid) for process in env.processes))
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(parent, 0)
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    wait_until(lambda: not any(map(is_alive, pids)), "a process outlived its parent")
    assert capfd.readouterr() == ("", "")
