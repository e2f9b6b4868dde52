"""What the README shows is run: its Python as one script, its commands up to their arguments."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from agents.benchmark import BenchmarkConfig
from agents.experiment import Experiment
from scripts.play import options as play_options
from worldvae.config import load_config, parse_overrides

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
OWN_OPTIONS = {"--inspect": 0, "--supervised": 0, "--arm": 1, "--seed": 1, "--backend": 1}
OWN_OPTIONS |= {"--only": 1, "--publish": 1}


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", README, flags=re.S)


def commands() -> list[list[str]]:
    lines = [line[2:] for block in blocks("console") for line in block.splitlines()]
    inline = [" ".join(match.split()) for match in re.findall(r"`(python -m .*?)`", README, re.S)]
    return [shlex.split(line, comments=True) for line in lines + inline if "scripts." in line]


def test_the_python_runs_as_written(tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    tiny = (ROOT / "tests" / "tiny.yaml").read_text()
    (tmp_path / "configs" / "dots.yaml").write_text(tiny)
    (tmp_path / "scripts").symlink_to(ROOT / "scripts")
    script = tmp_path / "readme.py"
    script.write_text("\n".join(blocks("python")))
    done = subprocess.run(
        [sys.executable, script],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "mine" / "encoder" / "model.safetensors").exists()
    assert (tmp_path / "runs" / "dots-worldvae-Dots-v0" / "report.html").exists()


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_commands_are_understood(words: list[str]) -> None:
    assert words[:2] == ["python", "-m"]
    assert (ROOT / (words[2].replace(".", "/") + ".py")).exists()
    if words[2] == "scripts.play":
        assert play_options(words[3:]).run == Path("runs/NAME")
        return
    is_benchmark = words[2] == "scripts.benchmark"
    config, *rest = ["configs/benchmark.yaml"] * is_benchmark + words[3:]
    overrides = []
    while rest:
        word = rest.pop(0)
        if word not in OWN_OPTIONS:
            overrides += [word, rest.pop(0)]
        elif OWN_OPTIONS[word]:
            rest.pop(0)
    kind = BenchmarkConfig if is_benchmark else Experiment
    load_config(kind, ROOT / config, parse_overrides(overrides, kind))


def test_links_lead_somewhere() -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", README):
        path, _, anchor = target.partition("#")
        assert (ROOT / path).exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", (ROOT / path).read_text(), re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings]
            assert anchor in anchors, target
