"""Agents go to a hub on this machine and come back; their zip is fetched by who trusts it."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from huggingface_hub import ModelCard

from agents.gap.gap_file import GAP
from agents.gap.wording import headline
from agents.hub.content import hub_content, push
from agents.policy.agent import Agent
from agents.run.agent_card import AGENT_CARD, read_card
from agents.run.agent_result import RESULT, AgentResult, FinalEvaluation
from agents.video.play import film_path, find_agents
from scripts.cli import run as run_command
from scripts.export import main as export_main
from scripts.push import main as push_main
from tests.agents.export.folders import make_agent
from tests.agents.gap.synthetic import Fake, reported
from tests.agents.policy.test_algorithms import load as load_algorithm
from tests.hub_server import FakeHub
from tests.tiny import load
from worldvae.autoencoders.checkpoint import hash_encoder
from worldvae.autoencoders.encoder import Encoder
from worldvae.diagnostics.rules.evidence import HEALTH
from worldvae.dynamics.checkpoint import hash_dynamics, load_dynamics
from worldvae.envs import make_vec
from worldvae.errors import ArtifactError, ConfigError
from worldvae.hub.download import local_folder
from worldvae.hub.listing import LISTING
from worldvae.stats import Resampling, episode_interval, mean

NAME = "me/dots"
ADDRESS = f"hf://{NAME}"
RETURNS = (1.0, 2.0, 3.0, 6.0)


@pytest.fixture
def dreamer(runs: Path) -> Path:
    """The folder of an agent with encoder and dynamics."""
    return make_agent(load(runs), "memory")


def finish(folder: Path, returns: tuple[float, ...] = RETURNS) -> None:
    """Give the agent in `folder` a result."""
    card, count = read_card(folder), len(returns)
    played = FinalEvaluation(
        env_id=card.env.id,
        deterministic=False,
        seeds=tuple(range(count)),
        returns=returns,
        lengths=(7,) * count,
        successes=(None,) * count,
    )
    numbers = dict.fromkeys(AgentResult.model_fields, 0)
    numbers |= {"arm": card.arm, "algorithm": card.algorithm, "command": "train", "versions": {}}
    RESULT.write(
        folder,
        AgentResult.model_validate(
            {**numbers, "seed": card.seed, "evaluation": played, "otherwise": None, "files": {}}
        ),
    )


def actions(agent: Agent) -> np.ndarray[Any, Any]:
    """What it does in ten steps of Dots."""
    card_env = load(Path("nowhere")).env
    vec = make_vec(card_env, 2, seed=5)
    obs, starts, taken = vec.reset(seed=5)[0], np.ones(2, bool), []
    for _ in range(10):
        taken.append(agent(obs, starts))
        obs, _, terminated, truncated, _ = vec.step(taken[-1])
        starts = terminated | truncated
    vec.close()
    return np.array(taken)


def test_an_agent_comes_back_with_its_encoder_and_its_dynamics(dreamer: Path, hub: FakeHub) -> None:
    assert push(dreamer, NAME) == ADDRESS
    assert np.array_equal(actions(Agent.load(dreamer)), actions(Agent.load(ADDRESS, trust=True)))
    folder, card = local_folder(ADDRESS, "agent", trust=True), read_card(dreamer)
    moved = {"encoder": "encoder", "dynamics": "dynamics"}
    assert read_card(folder) == card.model_copy(update=moved)
    assert hash_encoder(folder / "encoder") == card.encoder_sha256
    assert hash_dynamics(folder / "dynamics") == card.dynamics_sha256


def test_without_trust_nothing_of_an_agent_is_fetched(dreamer: Path, hub: FakeHub) -> None:
    push(dreamer, NAME)
    hub.requests.clear()
    with pytest.raises(ConfigError, match=f"^{ADDRESS}: an agent is a pickle, which runs any code"):
        Agent.load(ADDRESS)
    with pytest.raises(ConfigError, match="--trust on the command line"):
        find_agents(Path(ADDRESS))
    assert hub.requests == []


def test_its_encoder_and_dynamics_load_without_its_zip(dreamer: Path, hub: FakeHub) -> None:
    push(dreamer, NAME)
    assert Encoder.load(f"{ADDRESS}/encoder").latents == 4
    assert load_dynamics(f"{ADDRESS}/dynamics")[1].env_id == "worldvae/Dots-v0"
    assert not [line for line in hub.requests if line.startswith("GET") and ".zip" in line]
    with pytest.raises(
        ArtifactError,
        match=f"an agent, with an encoder at {ADDRESS}/encoder and dynamics at {ADDRESS}/dynamics, "
        "not an encoder",
    ):
        Encoder.load(ADDRESS)


def test_a_zip_with_another_hash_is_not_unpickled(
    dreamer: Path, hub: FakeHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    push(dreamer, NAME)
    hub.change(NAME, read_card(dreamer).model, b"a pickle")
    monkeypatch.setattr("agents.policy.agent.load_model", lambda *_: pytest.fail("unpickled"))
    with pytest.raises(ArtifactError, match=r"model_0\.zip is not what worldvae\.json lists"):
        Agent.load(ADDRESS, trust=True)


def test_replay_buffers_stay_at_home(runs: Path, hub: FakeHub) -> None:
    folder = make_agent(load_algorithm(runs, "DQN"), "latent")
    assert [*folder.glob("replay_*.pkl")]
    push(folder, NAME)
    assert not [name for name in hub.files(NAME) if name.endswith(".pkl")]
    assert Agent.load(ADDRESS, trust=True).arm.name == "latent"


def test_an_agent_of_frames_is_a_folder_of_its_own(runs: Path, hub: FakeHub) -> None:
    push(make_agent(load(runs), "pixels"), NAME)
    assert sorted(hub.files(NAME)) == ["README.md", "card.json", "model_0.zip", LISTING.name]
    assert Agent.load(ADDRESS, trust=True).encode is None


@pytest.mark.parametrize("part", ["encoder", "dynamics"])
def test_an_agent_whose_parts_were_replaced_is_not_published(
    dreamer: Path, hub: FakeHub, part: str
) -> None:
    card = read_card(dreamer)
    other = card.model_copy(update={f"{part}_sha256": "0" * 64})
    AGENT_CARD.write(dreamer, other)
    with pytest.raises(ArtifactError, match=f"{part}: not the {part} that the agent in "):
        push(dreamer, NAME)
    AGENT_CARD.write(dreamer, card)
    (dreamer / card.model).write_bytes(b"damaged")
    with pytest.raises(ArtifactError, match=r"model_0\.zip: not the weights of card\.json"):
        push(dreamer, NAME)
    assert hub.requests == []


def test_what_has_a_run_around_it_shows_all_seeds_of_its_arm(dreamer: Path, hub: FakeHub) -> None:
    finish(dreamer)
    alone = card_of(dreamer)
    assert "All 2 seeds" not in alone
    other = make_agent(load(dreamer.parents[3]), "memory", seed=1)
    finish(other, (5.0, 7.0))
    assert "All 2 seeds of this arm in its run: mean 4.500, 95 % interval over seeds" in card_of(
        dreamer
    )


def card_of(folder: Path, licence: str | None = None) -> str:
    """The model card that would be published."""
    return hub_content(folder).preview(NAME, licence)["README.md"].decode()


def test_the_card_of_an_agent_tells_what_was_measured(
    dreamer: Path, hub: FakeHub, tmp_path: Path
) -> None:
    finish(dreamer)
    low, high = episode_interval(RETURNS, mean, Resampling.seeded(0))
    run, sha256 = dreamer.parents[2], read_card(dreamer).dynamics_sha256
    gap = reported(Fake(), tmp_path / "gap").model_copy(update={"dynamics_sha256": sha256})
    GAP.write(run / "gap", gap)
    health = HEALTH.read(run / "encoder")
    card = ModelCard(card_of(dreamer, "mit"))
    assert f"| sampled | 4 | 3.000 | {low:.3f} to {high:.3f} |" in card.text
    assert f"## Health of its encoder\n\n**{health.verdict}**" in card.text
    assert f"| PSNR | {health.reconstruction.held_out.psnr:.1f} dB |" in card.text
    assert "## Fidelity of its dynamics\n\nNobody has examined it" in card.text
    assert f"## Gap between dream and reality\n\n**ranks**: {headline(gap)}" in card.text
    assert card.text.rstrip().endswith("## Licence\n\n`mit`")
    (found,) = card.data.eval_results
    assert (found.metric_type, found.metric_value) == ("mean_reward", "3.00 +/- 1.87")
    assert (found.dataset_name, card.data.license) == ("worldvae/Dots-v0", "mit")
    assert card.data.library_name == "worldvae"


@pytest.mark.parametrize("licence", [None, "mit"])
@pytest.mark.parametrize("part", ["encoder", "dynamics", "agents/memory/seed_0"])
def test_every_card_passes_the_hubs_check_of_metadata(
    dreamer: Path, hub: FakeHub, part: str, licence: str | None
) -> None:
    finish(dreamer)
    text = card_of(dreamer.parents[2] / part, licence)
    card = ModelCard(text)
    card.validate()
    assert card.data.get("license") == licence
    assert ("Its author has named no licence" in card.text) == (licence is None)


def test_an_unfinished_agent_shows_no_score(dreamer: Path, hub: FakeHub) -> None:
    card = ModelCard(card_of(dreamer))
    assert "so it was not scored." in card.text
    assert "## Gap between dream and reality\n\nNobody has measured it" in card.text
    assert card.data.eval_results is None


@pytest.mark.parametrize(
    ("part", "says"),
    [
        ("encoder", r"^\(1, 4\) \(1, 40, 40, 3\)\n$"),
        ("dynamics", r"^\[.+\]\n$"),
        ("agents/memory/seed_0", r"^seed 0: return .+\nseed 1: return .+\nseed 2: return .+\n$"),
    ],
)
def test_the_lines_of_the_card_run(
    dreamer: Path, hub: FakeHub, part: str, says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    push(dreamer.parents[2] / part, NAME)
    (code,) = re.findall("```python\n(.*?)```", hub.files(NAME)["README.md"].decode(), re.DOTALL)
    exec(compile(code, "README.md", "exec"), {"__name__": "__main__"})
    assert re.search(says, capsys.readouterr().out)


Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Status, stdout and stderr of a command with these words, in this process."""

    def run(main: Callable[[], None], *words: str | Path) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["command", *map(str, words)])
        try:
            status = run_command(main) or 0
        except SystemExit as left:
            status = int(str(left.code))
        return status, *capsys.readouterr()

    return run


def test_the_command_publishes_or_shows_what_it_would(
    dreamer: Path, hub: FakeHub, tmp_path: Path, typed: Typed
) -> None:
    out = tmp_path / "preview"
    status, said, _ = typed(push_main, dreamer, NAME, "--preview", out)
    assert (status, said, hub.requests) == (0, f"{out}\n", [])
    assert (out / "encoder/config.json").is_file()
    status, said, _ = typed(push_main, dreamer, NAME)
    assert (status, said) == (0, f"{ADDRESS}\n")
    assert {str(p.relative_to(out)) for p in out.rglob("*.*")} == set(hub.files(NAME))
    status, said, error = typed(push_main, tmp_path, NAME)
    assert (status, said) == (2, "")
    assert error.startswith(f"error: {tmp_path}: does not hold an encoder or dynamics or an agent")


def test_commands_that_take_an_agent_take_its_address(
    dreamer: Path, hub: FakeHub, tmp_path: Path, typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    finish(dreamer)
    push(dreamer, NAME)
    monkeypatch.chdir(tmp_path)
    status, _, error = typed(export_main, ADDRESS)
    assert (status, "--trust" in error) == (2, True)
    assert typed(export_main, ADDRESS, "--trust")[0] == 0
    assert typed(export_main, "--encoder", f"{ADDRESS}/encoder")[0] == 0
    assert sorted(path.name for path in tmp_path.glob("*.onnx")) == ["agent.onnx", "encoder.onnx"]
    (folder,) = find_agents(Path(ADDRESS), trust=True)
    assert read_card(folder).arm == "memory"
    assert film_path(Path(ADDRESS), None) == Path("play.webm")
    assert not (tmp_path / "hf:").exists()
