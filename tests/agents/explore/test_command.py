"""The command: what a run has is shown, and a mistake is one line."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from agents.config.experiment import Experiment
from agents.explore import parts, words
from agents.explore.agent_part import AgentPart
from agents.explore.assets import Asset
from agents.explore.command import write_explorer
from agents.explore.contents import AgentFacts
from agents.explore.page_file import SCRIPTS, page_source
from agents.policy.agent import Agent
from scripts.cli import run as run_command
from scripts.explore import main
from tests.agents.export.folders import make_agent
from tests.tiny import load
from worldvae.autoencoders.encoder import Encoder


def sections(path: Path) -> list[str]:
    return re.findall(r'<section id="(\w+)"', path.read_text(encoding="utf-8"))


def test_a_whole_run_has_every_section(explored: Experiment) -> None:
    page = explored.folder / "explorer.html"
    assert sections(page) == ["dream", "code", "twin", "about"]
    assert page.stat().st_size < 15e6


def test_without_dynamics_the_code_stands_alone(runs: Path, tmp_path: Path, page: Any) -> None:
    """Damaged dynamics are as good as none; an agent says what it would do at each code."""
    experiment, path = load(runs), tmp_path / "alone.html"
    agent = Agent.load(make_agent(experiment, "latent"))
    weights = experiment.dynamics_folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    (line,) = write_explorer(experiment, path)
    assert line.startswith(f"{weights}")
    assert sections(path) == ["code", "about"]
    first = page._driver.current_window_handle
    page._driver.switch_to.new_window("tab")
    try:
        page.go(path)
        code = page.wait("await worldvae.ready; return [...worldvae.code.code]")
        said = page.run("return document.getElementById('code-agents').textContent")
        latents = Encoder.load(experiment.encoder_folder).whiten(np.array(code, np.float32))
        policy: Any = agent.model.policy
        seen, _ = policy.obs_to_tensor(np.concatenate([latents, latents])[None])
        expected = policy.get_distribution(seen).distribution.probs[0].detach().numpy()
        name = ("STAY", "LEFT", "RIGHT", "UP", "DOWN")[int(expected.argmax())]
        sure = f"latent 0: {name} (probability {100 * expected.max():.0f} %)"
        assert said == f"At this code, as an episode's first, {sure}"
        assert page.run("return document.getElementById('loading')") is None
        pressed = "[...document.querySelectorAll('#code-strip button')].map(b => b.ariaPressed)"
        assert page.run(f"return {pressed}") == ["false", "false", "true", *["false"] * 13]
    finally:
        page._driver.close()
        page._driver.switch_to.window(first)


def test_which_frame_is_drawn_is_told_where_it_is_one_to_come(runs: Path) -> None:
    """Of the dream, and of both pictures of a twin that are decoded; the code says it itself."""
    contents = parts.RunReader.open(load(runs)).parts([]).contents("a run", "Dots", "test")
    assert "decisions later" not in "".join(words.sections(contents))
    code = contents.code.model_copy(update={"ahead": 2})
    dream, _, twin, _ = words.sections(contents.model_copy(update={"code": code}))
    assert dream.count("the frame 2 decisions later") == 1
    assert twin.count("the frame 2 decisions later") == 2


def test_agents_are_taken_as_long_as_the_page_stays_small(
    explored: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Others, 3,000 bytes each before they become text: two fit beside the rest, a tiny one too."""
    monkeypatch.setattr(parts, "RUNTIME_SIZE", 0)
    monkeypatch.setattr(parts, "LARGEST_PAGE", 9_000)
    reader = parts.RunReader.open(explored)
    given = [agent_part(f"latent {seed}", 30 if seed == 3 else 3_000) for seed in range(4)]
    kept = [*reader._fitting(given, [])]
    assert [part.facts.name for part in kept] == ["latent 0", "latent 1", "latent 3"]
    (line,) = reader.skipped
    assert line.startswith("latent 2: its 0.0 MB would make the page larger than 0 MB; --agents")


def agent_part(name: str, size: int) -> AgentPart:
    facts = {"asset": "x", "name": name, "sees": "latents", "observation": "", "noise": None}
    facts |= {"noise_size": 0, "samples": False, "trained_steps": 0}
    actions = {"kind": "discrete", "names": (), "choices": 2, "low": (), "high": (), "whole": False}
    noise = np.random.default_rng(0).bytes(size)
    return AgentPart(AgentFacts.model_validate({**facts, "actions": actions}), Asset("x", noise))


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["--name", "nobody"], r"error: .*nobody/encoder.*python -m scripts\.pretrain CONFIG"),
        (["--env.action_repeat", "3"], r"error: .*/encoder was made with env\.action_repeat = 2"),
        (["--dynamics.steps", "7"], r"error: .*/dynamics was made with dynamics\.steps = "),
        (["--agents", "memory/seed_9"], r"error: .*memory/seed_9: no such folder"),
    ],
)
def test_a_mistake_is_one_line(
    runs: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    words: list[str],
    line: str,
) -> None:
    command = ["explore", "tests/tiny.yaml", "--runs", str(runs), *words]
    monkeypatch.setattr(sys, "argv", command)
    with pytest.raises(SystemExit) as left:
        run_command(main)
    assert left.value.code == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert re.match(line, told), told


def test_scripts_come_after_what_they_import() -> None:
    """They are joined to one, so that an import is there before it is used."""
    for place, name in enumerate(SCRIPTS):
        needed = re.findall(r'^import .* from "\./(\w+)\.js";$', page_source(f"{name}.js"), re.M)
        assert set(needed) <= set(SCRIPTS[:place]), name
        assert page_source(f"{name}.js").count("import ") == len(needed), name


def test_no_two_scripts_share_a_name() -> None:
    """They are one scope, in which a name that is given twice would be no script at all."""
    given = re.compile(r"^(?:export )?(?:async )?(?:const|let|class|function) (\w+)", re.M)
    names = [name for script in SCRIPTS for name in given.findall(page_source(f"{script}.js"))]
    assert len(names) > 50
    assert sorted(names) == sorted(set(names))


def test_every_script_is_in_the_page() -> None:
    folder = Path(parts.__file__).parent / "page"
    assert {path.stem for path in folder.glob("*.js")} == set(SCRIPTS)
