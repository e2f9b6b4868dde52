"""The versions of the software that made a result."""

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
    """Return the versions of Python and of the packages that results depend on, by name.

    In a git checkout the commit of worldvae is added, with "-dirty" if its files were changed.
    """
    installed = {name: _version(name) for name in PACKAGES}
    commit = git_commit(Path(__file__).resolve().parents[1])
    known = {} if commit is None else {"worldvae commit": commit}
    return {"python": platform.python_version(), **installed, **known}


@cache  # later changes of the files do not change the code that runs
def git_commit(root: Path) -> str | None:
    """Return `git describe` of the checkout at `root`; None if it is not one or git is missing.

    A folder inside a checkout does not count, since a virtual environment may be in any checkout.
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
