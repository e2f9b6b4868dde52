"""The library as a user without the checkout has it: the wheel, unpacked, and nothing beside it."""

import os
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]


def unpack_wheel(folder: Path) -> Path:
    """Build the wheel and unpack it below `folder`; where Python finds it."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "unpacked")
    return folder / "unpacked"


def run_with_wheel(unpacked: Path, script: Path, folder: Path) -> str:
    """What `script` prints, run in `folder`; neither `agents` nor `scripts` can be imported there.

    Without `site`, which would add the checkout of an editable installation to the path.
    """
    paths = [str(unpacked), sysconfig.get_paths()["purelib"]]
    done = subprocess.run(
        [sys.executable, "-S", script],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
