"""A script that the processes it starts import again, as they do wherever they do not fork."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.wheel import ROOT

SCRIPT = """
import multiprocessing
from pathlib import Path

from worldvae.envs import EnvConfig, make_vec
from worldvae.rollouts import RolloutConfig, RolloutStore, collect

multiprocessing.set_start_method("{method}", force=True)
env = EnvConfig(id="worldvae/Dots-v0")
{work}
"""
COLLECT = 'collect(RolloutStore.create("rollouts", env), RolloutConfig(frames=100, num_envs=2), 0)'
PLAY = "make_vec(env, 2, 0).close()"
GUARD = 'has to stand under if __name__ == "__main__":'


def run(folder: Path, method: str, work: str) -> subprocess.CompletedProcess[str]:
    script = folder / "script.py"
    script.write_text(SCRIPT.format(method=method, work=work))
    return subprocess.run(
        [sys.executable, script],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
@pytest.mark.parametrize("work", [COLLECT, PLAY], ids=["collect", "play"])
def test_without_a_guard_it_is_told_what_is_missing(tmp_path: Path, method: str, work: str) -> None:
    done = run(tmp_path, method, work)
    assert done.returncode == 1
    errors = [line for line in done.stderr.splitlines() if "ConfigError" in line]
    assert any("this script is run again by a process that it has started" in e for e in errors)
    assert "its process ended by itself, with status 1; processes" in errors[-1], "in the parent"
    assert errors[-1].endswith(GUARD)
    assert "another collection" not in done.stderr


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_with_a_guard_it_runs(tmp_path: Path, method: str) -> None:
    done = run(tmp_path, method, f'if __name__ == "__main__":\n    {COLLECT}')
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "rollouts" / "manifest.jsonl").exists()
