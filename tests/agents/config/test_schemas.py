"""To read a configuration, or to ask a command for help, loads nothing that trains."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
HEAVY = ("torch", "sklearn", "scipy", "stable_baselines3", "matplotlib")
SCRIPTS = sorted(path.stem for path in (ROOT / "scripts").glob("[a-z]*.py"))
LOAD = """
from pathlib import Path
from agents.config.experiment import Experiment
Path("short.yaml").write_text("env: {id: worldvae/Dots-v0}\\nagent: {algorithm: DQN}\\n")
assert Experiment.load(Path("short.yaml")).agent.algorithm == "DQN"
"""


@pytest.mark.parametrize(
    "code",
    [
        pytest.param(LOAD, id="Experiment.load"),
        pytest.param("import agents.benchmark.config", id="BenchmarkConfig"),
        pytest.param(f"import {', '.join(f'scripts.{name}' for name in SCRIPTS)}", id="scripts"),
    ],
)
def test_schemas_and_commands_load_no_library_that_trains(code: str, tmp_path: Path) -> None:
    code += f"\nimport sys\nprint(*(name for name in {HEAVY} if name in sys.modules))"
    told = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT), "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (told.stdout.split(), told.stderr) == ([], "")
