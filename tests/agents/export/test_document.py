"""The lines of docs/export.md run with onnxruntime and NumPy alone, and act as the agent does."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from agents.config.experiment import Experiment
from agents.export.agent import export_agent
from agents.policy.agent import Agent
from scripts.cli import run as run_command
from scripts.export import main
from tests.agents.export.folders import make_agent
from tests.tiny import load
from worldvae.envs.frames import preprocess

DOCUMENT = Path(__file__).parents[3] / "docs/export.md"

BLOCKED = """
import sys
class Blocked:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {"torch", "gymnasium", "cv2", "stable_baselines3", "worldvae"}:
            raise ImportError(name)
sys.meta_path.insert(0, Blocked())
"""

PLAYS = """
frames = np.load("frames.npy")
print(json.dumps([int(act(frame, place % 7 == 0)) for place, frame in enumerate(frames)]))
"""


@pytest.fixture
def experiment(runs: Path) -> Experiment:
    return load(runs)


def test_the_lines_run_without_anything_else(experiment: Experiment, tmp_path: Path) -> None:
    folder = make_agent(experiment, "memory", 70)
    export_agent(folder, tmp_path / "agent.onnx")
    frames = np.random.default_rng(0).integers(0, 256, (30, 40, 40, 3), np.uint8)
    np.save(tmp_path / "frames.npy", frames.astype(np.int64))  # as NumPy's sums are, unasked
    (lines,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.S)
    program = BLOCKED + lines + PLAYS
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    agent, config = Agent.load(folder), experiment.env.frame
    expected = [
        int(agent(preprocess(frame, config)[None], np.array([place % 7 == 0]))[0])
        for place, frame in enumerate(frames)
    ]
    assert json.loads(done.stdout) == expected
    assert len(set(expected)) > 1


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            ["nowhere"],
            "error: nowhere: no such folder; python -m scripts.train CONFIG makes an agent",
        ),
        ([], "error: command line: name one agent's folder, or --encoder or --dynamics"),
        (["a", "--encoder", "b"], "error: command line: name one agent's folder"),
        (["a", "--out", "b.txt"], "error: --out b.txt: give it a name in .onnx"),
        (["--encoder", "a", "--check", "2"], "error: --check 2: a number of episodes"),
    ],
)
def test_a_mistake_is_one_line(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    line: str,
) -> None:
    monkeypatch.setattr(sys, "argv", ["export", *words])
    with pytest.raises(SystemExit) as left:
        run_command(main)
    assert left.value.code == 2
    assert capsys.readouterr().err.startswith(line)
