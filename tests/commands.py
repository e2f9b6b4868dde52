"""Commands as a user types them, each in a process of its own that need not import all again.

A command takes seconds to import torch and its like, and the tests type dozens. They are forked
from a server that has imported what commands import; what a command does by itself (its signals,
its imports, how it ends when it is killed) is tested on processes that start from nothing.
"""

from __future__ import annotations

import os
import runpy
import sys
import tempfile
from multiprocessing import get_context
from pathlib import Path
from subprocess import CompletedProcess

ROOT = Path(__file__).parents[1]
FORKS = get_context("forkserver")
FORKS.set_forkserver_preload(["tests.preloaded"])


def run(*words: str | Path, check: bool = True) -> CompletedProcess[str]:
    """`python -m WORDS` from the root of the checkout; with `check`, it has to succeed."""
    typed = [*map(str, words)]
    with tempfile.TemporaryDirectory() as folder:
        texts = [Path(folder, name) for name in ("stdout", "stderr")]
        process = FORKS.Process(target=_run, args=(typed, *texts, dict(os.environ)))
        process.start()
        process.join()
        assert process.exitcode is not None
        done = CompletedProcess(typed, process.exitcode, *(path.read_text() for path in texts))
    assert not check or done.returncode == 0, done.stderr
    return done


def _run(words: list[str], stdout: Path, stderr: Path, environment: dict[str, str]) -> None:
    for path, descriptor in ((stdout, 1), (stderr, 2)):
        with path.open("wb") as file:
            os.dup2(file.fileno(), descriptor)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = words
    runpy.run_module(words[0], run_name="__main__", alter_sys=True)
