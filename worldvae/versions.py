"""Which software made a result."""

from __future__ import annotations

import platform
import subprocess
from functools import cache
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "worldvae",
    "torch",
    "numpy",
    "opencv-python",
    "onnxruntime",
    "gymnasium",
    "ale-py",
    "envpool",
    "stable-baselines3",
)


def library_versions() -> dict[str, str]:
    """Python, the packages that numbers of encoders and agents depend on, and the commit of
    worldvae where it runs from a git checkout, with "-dirty" if files of it were changed."""
    installed = {name: _version(name) for name in PACKAGES}
    commit = git_commit(Path(__file__).resolve().parents[1])
    known = {} if commit is None else {"worldvae commit": commit}
    return {"python": platform.python_version(), **installed, **known}


@cache  # what runs was read from the files at its start
def git_commit(root: Path) -> str | None:
    """What `git describe` says of the checkout at `root`; None if that is none, or git is missing.

    A folder inside of a checkout is none: a virtual environment may lie in anybody's.
    """
    git = ["git", "-C", str(root)]
    try:
        top = _output([*git, "rev-parse", "--show-toplevel"])
        return _output([*git, "describe", "--always", "--dirty"]) if Path(top) == root else None
    except (OSError, subprocess.CalledProcessError):
        return None


def _output(command: list[str]) -> str:
    done = subprocess.run(command, check=True, text=True, capture_output=True)
    return done.stdout.strip()


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
