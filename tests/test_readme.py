"""What the documents show is run: Python as one script, commands up to their arguments."""

import importlib
import importlib.util
import os
import re
import runpy
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import gymnasium as gym
import pytest
import yaml

from agents.benchmark.config import BenchmarkConfig
from agents.config.experiment import Experiment
from scripts.curves import parse as parse_curves
from scripts.export import parse as parse_export
from scripts.play import parse as parse_play
from scripts.push import parse as parse_push
from scripts.versus import parse as parse_versus
from tests.encoders import DOTS, NETWORK, make_encoder
from tests.wheel import run_with_wheel
from worldvae.autoencoders.config import PretrainConfig
from worldvae.config import load_config, parse_overrides
from worldvae.envs.make import recorded_action_space
from worldvae.fields import fields_of, find_field
from worldvae.rollouts.collect import make_policies

ROOT = Path(__file__).parents[1]
README = ROOT / "README.md"
DOCUMENTS = [
    README,
    *sorted((ROOT / "docs").glob("*.md")),
    *sorted((ROOT / "docs").rglob("README.md")),
]
SHOWN = [
    README,
    *(ROOT / "docs" / f"{name}.md" for name in ("environments", "arms", "compare", "clients")),
]
"""Those with Python, in the order in which their blocks make one script."""

OWN_OPTIONS = {"--inspect": 0, "--supervised": 0, "--arm": 1, "--seed": 1, "--backend": 1}
OWN_OPTIONS |= {"--agents": 1, "--out": 1, "--frames": 1}
OWN_OPTIONS |= {"--from": 1, "--to": 1, "--author": 1, "--permalink": 1, "--description": 1}
OWN_OPTIONS |= {"--report": 0, "--only": 1, "--publish": 1, "--executor": 1, "--workers": 1}


def blocks(language: str, documents: list[Path] = SHOWN) -> list[str]:
    pattern = rf"```{language}\n(.*?)```"
    return [block for path in documents for block in re.findall(pattern, path.read_text(), re.S)]


def commands() -> list[list[str]]:
    lines = [line for block in blocks("console", DOCUMENTS) for line in block.splitlines()]
    inline = [
        " ".join(match.split())
        for path in DOCUMENTS
        for match in re.findall(r"`(python -m [^`]*)`", path.read_text())
    ]
    typed = [line[2:] for line in lines if line.startswith("$ ")] + inline
    found = [shlex.split(line, comments=True) for line in typed if "-m scripts." in line]
    return [words for words in found if words[0] == "python" and len(words) > 2]


PLAYS = "PPO.load("
"""Of the one block of Python that needs a trained agent, and the wheel alone."""


def script(folder: Path) -> Path:
    """All other blocks in a file, in a folder that looks like a checkout."""
    (folder / "configs").mkdir()
    tiny = yaml.safe_load((ROOT / "tests" / "tiny.yaml").read_text())
    tiny["compare"] |= {"arms": ["pixels", "latent"], "seeds": [0]}
    (folder / "configs" / "dots.yaml").write_text(yaml.safe_dump(tiny))
    (folder / "scripts").symlink_to(ROOT / "scripts")
    script = folder / "readme.py"
    script.write_text("\n".join(block for block in blocks("python") if PLAYS not in block))
    return script


def test_the_python_runs_as_written(tmp_path: Path, wheel: Path) -> None:
    """And what it has trained is played after it, without the checkout."""
    done = subprocess.run(
        [sys.executable, script(tmp_path)],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "runs" / "mine" / "encoder" / "model.safetensors").exists()
    assert (tmp_path / "runs" / "dots-worldvae-Dots-v0" / "report.html").exists()
    (block,) = [block for block in blocks("python") if PLAYS in block]
    play = tmp_path / "elsewhere" / "play.py"
    play.parent.mkdir()
    play.write_text(block)
    assert re.fullmatch(r"return -?\d+\.\d+\n", run_with_wheel(wheel, play, tmp_path))


def test_a_process_that_imports_the_script_does_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As spawn runs it in each process: under another name than __main__."""
    written = script(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    runpy.run_path(str(written), run_name="__mp_main__")
    assert sorted(tmp_path.rglob("*")) == before


def zoo_wraps(env: gym.Env[Any, Any], lines: list[Any]) -> gym.Env[Any, Any]:
    """As rl-baselines3-zoo reads `env_wrapper`: a dotted path, or one with keyword arguments."""
    for line in lines:
        name, arguments = next(iter(line.items())) if isinstance(line, dict) else (line, {})
        module, _, kind = name.rpartition(".")
        env = getattr(importlib.import_module(module), kind)(env, **arguments)
    return env


def test_the_zoo_understands_its_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make_encoder(DOTS).save(tmp_path / "runs/mine/encoder")
    (text,) = [block for block in blocks("yaml") if "Dots" in block]
    ((env_id, parameters),) = yaml.safe_load(text).items()
    env = zoo_wraps(gym.make(env_id), parameters["env_wrapper"])
    assert env.reset(seed=0)[0].shape == (4 * NETWORK.latents,)


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_the_commands_are_understood(tmp_path: Path, words: list[str]) -> None:
    assert words[:2] == ["python", "-m"]
    assert (ROOT / (words[2].replace(".", "/") + ".py")).exists()
    if words[2] == "scripts.play":
        assert parse_play(words[3:]).run == Path("runs/NAME")
        return
    if words[2] == "scripts.coverage":
        assert (ROOT / words[3]).is_dir()
        return
    if words[2] == "scripts.curves":
        assert all((ROOT / path).is_dir() for path in parse_curves(words[3:]).runs)
        return
    if words[2] == "scripts.versus":
        both = parse_versus(words[3:])
        assert all((ROOT / folder).is_dir() for folder, _ in (both.first, both.second))
        return
    if words[2] == "scripts.push":
        assert parse_push(words[3:]).repo == "USER/NAME"
        return
    if words[2] == "scripts.export":
        assert parse_export(words[3:]).agent == Path("runs/NAME/agents/latent/seed_0")
        return
    is_benchmark = words[2] == "scripts.benchmark"
    named, *rest = with_benchmark(words[3:]) if is_benchmark else words[3:]
    config = ROOT / named
    if named == "robot.yaml":  # the reader's own, as the page writes it
        config = tmp_path / named
        config.write_text(next(block for block in blocks("yaml", [README]) if "env:" in block))
    overrides = []
    while rest:
        word = rest.pop(0)
        if word not in OWN_OPTIONS:
            overrides += [word, rest.pop(0)]
        elif OWN_OPTIONS[word]:
            rest.pop(0)
    kind = BenchmarkConfig if is_benchmark else Experiment
    loaded = load_config(kind, config, parse_overrides(overrides, kind))
    is_ours = config.is_relative_to(ROOT)
    if isinstance(loaded, Experiment) and is_ours and not loaded.compare.envs:
        check_collects(loaded)


def with_benchmark(options: list[str]) -> list[str]:
    """The options of the benchmark, its configuration first."""
    is_named = options[:1] == ["--config"]
    return options[1:] if is_named else ["configs/benchmark.yaml", *options]


def check_collects(experiment: Experiment) -> None:
    """Raise unless the policies can act in the environment, which no test has to have installed."""
    if "Vizdoom" in experiment.env.id and importlib.util.find_spec("vizdoom") is None:
        return
    space = recorded_action_space(experiment.env)
    named = {"policies": {"random": 1.0, "smooth": 1.0, "sweep": 1.0}}
    make_policies(experiment.rollouts.model_copy(update=named), space, 0, None)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    for target in re.findall(r"\]\((?!http)([^)]+)\)", path.read_text()):
        name, _, anchor = target.partition("#")
        linked = path.parent / name if name else path
        assert linked.exists(), target
        if anchor:
            headings = re.findall(r"^#+ (.+)$", linked.read_text(), re.MULTILINE)
            anchors = [re.sub(r"[^\w -]", "", text).lower().replace(" ", "-") for text in headings]
            assert anchor in anchors, target


def test_the_documents_name_files_that_are_there() -> None:
    """Those of the code, as backticks name them from the root of the checkout."""
    pattern = r"`((?:worldvae|agents|scripts|tests|configs)/[a-z_/.]*)`"
    for path in DOCUMENTS:
        for name in re.findall(pattern, path.read_text()):
            assert (ROOT / name).exists(), f"{path.name}: {name}"


@pytest.mark.parametrize(
    "block", [block for block in blocks("yaml", DOCUMENTS) if "env_wrapper" not in block]
)
def test_the_configurations_are_understood(tmp_path: Path, block: str) -> None:
    (tmp_path / "shown.yaml").write_text(block)
    assert load_config(Experiment, tmp_path / "shown.yaml")


NO_KEYS = {"drift.jsonl", "gap.html", "agent.onnx", "env.spec"}
"""What begins as a section of the configuration, and is none of its keys."""


def test_the_documents_name_keys_that_there_are() -> None:
    """The pages on encoders leave out `pretrain.`."""
    sections = {*fields_of(Experiment), *fields_of(PretrainConfig)}
    for path in DOCUMENTS:
        for key in re.findall(r"`(?:--)?([a-z_]+(?:\.[a-z_]+)+)(?=[`: ])", path.read_text()):
            if key.partition(".")[0] in sections and key not in NO_KEYS:
                found = [find_field(name, Experiment)[1] for name in (key, f"pretrain.{key}")]
                assert any(field is not None for field in found), f"{path.name}: {key}"


def test_the_first_page_is_short_and_begins_with_how_to_install_it() -> None:
    text = README.read_text()
    assert len(text) < 11_000
    assert "pip install" in "\n".join(text.splitlines()[:12])
    assert "make run" in "\n".join(text.splitlines()[:12])
