"""Every test on one thread: two test processes with a thread pool each fight for two cores."""

import gc
import os
import signal
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.wheel import unpack_wheel

os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("SDL_VIDEODRIVER", "offscreen,dummy")

# A shell lets what it starts in the background ignore Ctrl-C, which tests send and wait for.
signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None]:
    """Half a million objects of modules and tests stay to the end: looking for garbage among them
    takes a quarter of the collection, and a fiftieth of the tests."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()
        gc.freeze()


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The unpacked wheel of this checkout."""
    return unpack_wheel(tmp_path_factory.mktemp("wheel"))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A hub that huggingface_hub speaks to, with a cache of its own; the user is logged in."""
    # Not above: the environment of `make rliable` lacks what it imports.
    from tests.hub_server import hub_of_this_machine

    with hub_of_this_machine(tmp_path / "cache", monkeypatch) as server:
        yield server
