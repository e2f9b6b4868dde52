"""Agents play the dream: what they do, and how likely it was, is what Python says of the same."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from agents.config.experiment import Experiment
from agents.explore.agent_part import DreamedBy, agent_parts, first_agents
from agents.explore.parts import RunReader
from agents.policy.agent import Agent
from agents.prepare import prepare
from tests.agents.explore.conftest import PLAYERS
from tests.agents.export.folders import make_agent
from tests.tiny import load
from worldvae.autoencoders.window import Window
from worldvae.dynamics.checkpoint import load_dynamics
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.state import DynamicsState
from worldvae.errors import ArtifactError

HISTORY = "dream.history.map(m => ({ code: [...m.code], memory: [...m.memory],"
HISTORY += " action: m.action, levels: m.levels ? [...m.levels] : null }))"

PLAY = (
    "const [name, start, taken] = arguments, dream = worldvae.dream;"
    "worldvae.view.pause();"
    "const agent = worldvae.agents.find(one => one.name === name);"
    "agent.samples = false; dream.temperature = 1;"
    "await dream.begin(start, 11);"
    "for (const action of taken) await dream.step([action]);"
    "const decisions = [];"
    "for (let i = 0; i < 4; i++) {"
    "  const decision = await agent.decide(dream);"
    f"  decisions.push([decision.action, decision.probabilities, {HISTORY}]);"
    "  await dream.step(decision.action);"
    "}"
    "return decisions"
)
PLAYER = "return document.querySelector('#dream-players [aria-pressed=true]').textContent"
LATENTS = 4


def probabilities(agent: Agent, observation: Any) -> Any:
    """What the policy says of one observation."""
    policy: Any = agent.model.policy
    seen, _ = policy.obs_to_tensor(np.asarray(observation)[None])
    return policy.get_distribution(seen).distribution.probs[0].detach().numpy()


def follows(agent: Agent, history: list[Any]) -> Any:
    """The probabilities of an agent of frames, which has seen all pictures of a dream."""
    agent.begin()
    for number, moment in enumerate(history):
        frame = np.array(moment["levels"], np.uint8).reshape(1, 40, 40, 3)
        agent(frame, np.array([number == 0]))
    return probabilities(agent, agent.seen[0])


def latents(agent: Agent, history: list[Any]) -> Any:
    """Those of one that observes the last two latents."""
    return probabilities(agent, np.concatenate([m["code"] for m in [history[0], *history][-2:]]))


def dreamers(agent: Agent, history: list[Any], model: Dynamics) -> Any:
    """Those of one that observes the memory of the dream's own first member."""
    carried = torch.tensor(history[-1]["memory"]).reshape(2, 1, -1)
    memory = model.memory(DynamicsState(carried, torch.zeros(1, LATENTS)))[0]
    return probabilities(agent, np.concatenate([history[-1]["code"], memory]))


def others(agent: Agent, history: list[Any], model: Dynamics) -> Any:
    """Those of one that observes the memory of other dynamics."""
    state = model.initial(1)
    for number, moment in enumerate(history):
        action = torch.eye(5)[[0 if moment["action"] is None else int(moment["action"][0])]]
        code = torch.tensor(moment["code"])[None]
        state = model.observe(state, code, action, torch.tensor([number == 0]))
    return probabilities(agent, np.concatenate([history[-1]["code"], model.memory(state)[0]]))


@pytest.mark.parametrize(("number", "start", "taken"), [*((n, 5, [3, 1]) for n in range(5))])
def test_it_does_what_the_agent_does(
    page: Any, explored: Experiment, number: int, start: int, taken: list[int]
) -> None:
    """After real decisions and two of a player, who hands over to it."""
    arm = PLAYERS[number]
    agent = Agent.load(explored.agent_folder(arm, number))
    own, _ = load_dynamics(explored.dynamics_folder)
    untrained, _ = load_dynamics(explored.untrained_dynamics_folder)
    decisions = page.wait(PLAY, f"{arm} {number}", start, taken)
    seen = set()
    for action, said, history in decisions:
        assert len(history) >= 3
        expected = {
            "latent": lambda past: latents(agent, past),
            "memory": lambda past: dreamers(agent, past, own),
            "untrained_memory": lambda past: others(agent, past, untrained),
        }.get(arm, lambda past: follows(agent, past))(history)
        np.testing.assert_allclose(said, expected, atol=1e-4)
        assert action == [int(np.argmax(expected))]
        seen.add(tuple(np.round(said, 3)))
    assert len(seen) > 1, "an agent that always says the same would prove nothing"


def test_sampled_actions_have_their_probabilities(page: Any) -> None:
    script = (
        "const agent = worldvae.agents.find(one => one.name === 'latent 1');"
        "const dream = worldvae.dream, counts = [0, 0, 0, 0, 0];"
        "agent.samples = true;"
        "await dream.begin(3, 0);"
        "let said;"
        "for (let seed = 0; seed < 1500; seed++) {"
        "  dream.seed = seed;"
        "  const { action, probabilities } = await agent.decide(dream);"
        "  counts[action[0]] += 1 / 1500; said = probabilities;"
        "}"
        "return [counts, said]"
    )
    counts, said = page.wait(script)
    np.testing.assert_allclose(counts, said, atol=0.045)
    assert sum(share > 0.05 for share in said) > 1


def test_whoever_presses_a_key_takes_over(page: Any) -> None:
    page.wait(
        "const { view, dream } = worldvae;"
        "await view.begin(1);"
        "document.getElementById('dream-speed').value = '1';"
        "view.letPlay(worldvae.agents[1]);"
        "await new Promise(done => setTimeout(done, 400))"
    )
    assert page.run(PLAYER) == "latent 1"
    said = page.run("return document.getElementById('dream-decides').textContent")
    assert said.startswith("latent 1: ")
    page.press("\ue013", seconds=0.1)
    assert page.run(PLAYER) == "you"
    page.run("worldvae.view.pause()")


def test_nobody_acts_after_a_pause_or_where_one_has_gone_meanwhile(page: Any) -> None:
    """An agent that takes long to decide is paused, and another time one goes back meanwhile."""
    found = page.wait(
        "const { view, dream, agents } = worldvae, agent = agents[1], seen = [];"
        "const wait = () => new Promise(done => setTimeout(done, 120));"
        "const decide = agent.decide;"
        "agent.decide = async () => { await wait(); return { action: [2] }; };"
        "for (const leave of [() => view.pause(), () => view.goTo(0)]) {"
        "  await view.begin(1); await view.single([1]); dream.now.ended = false;"
        "  view.letPlay(agent); await new Promise(done => setTimeout(done, 60)); leave();"
        "  await wait(); await wait();"
        "  seen.push([dream.at, dream.course.length, dream.branches.length]);"
        "}"
        "agent.decide = decide; view.letPlay(null);"
        "return seen"
    )
    assert found == [[1, 2, 1], [0, 2, 1]]


@pytest.mark.parametrize("number", [0, 1, 4])
def test_an_agent_remembers_the_same_where_one_goes_back(page: Any, number: int) -> None:
    """Frames, latents and a memory of its own, of which not every moment keeps a copy."""
    found = page.wait(
        "const { view, dream, agents } = worldvae, agent = agents[arguments[0]];"
        "view.pause(); agent.samples = false; dream.temperature = 1; await dream.begin(5, 3);"
        "const said = [], again = [], kept = () => dream.history.filter(m => m.seenBy?.has(agent));"
        "for (let i = 0; i < 45; i++) {"
        "  const { action, probabilities } = await agent.decide(dream);"
        "  said.push(probabilities); await dream.step(action); dream.now.ended = false;"
        "}"
        "const copies = kept().length;"
        "for (const decision of [44, 30, 19, 20, 3, 0, 43]) {"
        "  dream.goTo(decision); const { probabilities } = await agent.decide(dream);"
        "  again.push(Math.max(...probabilities.map((p, i) => Math.abs(p - said[decision][i]))));"
        "}"
        "return [again, copies, new Set(said.map(p => p.map(one => one.toFixed(5)).join())).size]",
        number,
    )
    assert max(found[0]) < 1e-6
    assert found[1] <= 5
    assert found[2] > 1


def test_what_an_agent_said_is_shown_again_where_one_goes_back(page: Any) -> None:
    said = page.wait(
        "const { view, dream, agents } = worldvae, seen = [];"
        "const words = () => document.getElementById('dream-decides').textContent;"
        "await view.begin(2); await view.single([1]); dream.now.ended = false; seen.push(words());"
        "view.players.choose(agents[1]); await view.single(); seen.push(words());"
        "view.players.choose(null); view.goTo(1); seen.push(words());"
        "view.goTo(2); seen.push(words());"
        "return seen"
    )
    assert said[0] == said[2] == ""
    assert said[1] == said[3]
    assert said[1].startswith("latent 1: ")


def test_agents_that_see_nothing_are_left_out(page: Any, explored: Experiment) -> None:
    names = page.run("return worldvae.contents.agents.map(one => one.name)")
    assert names == [f"{arm} {number}" for number, arm in enumerate(PLAYERS) if arm != "blind"]
    kinds = page.run("return worldvae.contents.agents.map(one => one.sees)")
    assert kinds == ["frame", "latents", "frame", "latents", "latents"]


def test_an_agent_of_another_task_is_left_out(runs: Path) -> None:
    """Its frames are cut elsewhere, though they are as large as those of the dream."""
    experiment = load(runs)
    other = load(runs, **{"env.frame": {"height": 40, "width": 40, "crop": {"top": 8}}})
    folder, skipped = make_agent(other, "pixels"), list[str]()
    reader = RunReader.open(experiment)
    seen = DreamedBy.of(reader.encoder, None, experiment, reader.shown.store.action_space)
    assert list(agent_parts([folder], seen, skipped)) == []
    (line,) = skipped
    assert line.startswith(f"{folder}: trained on another task than this config's: env.frame is ")
    with pytest.raises(ArtifactError, match="trained on another task"):
        list(agent_parts([folder], seen))


def test_agents_of_frames_are_left_out_where_frames_to_come_are_drawn(runs: Path) -> None:
    """They would see the future; those of latents see nothing of it."""
    experiment = load(runs)
    folders = [make_agent(experiment, arm) for arm in ("pixels", "untrained", "latent")]
    reader, skipped = RunReader.open(experiment), list[str]()
    reader.encoder.window = Window(ahead=2)
    seen = DreamedBy.of(reader.encoder, None, experiment, reader.shown.store.action_space)
    (latent,) = agent_parts(folders, seen, skipped)
    assert latent.facts.sees == "latents"
    assert [line.partition(": ")[0] for line in skipped] == list(map(str, folders[:2]))
    assert all("this run's encoder draws those 2 decisions later" in line for line in skipped)


def test_of_an_agent_whole_numbers_are_told_where_the_environment_takes_them(
    tmp_path: Path,
) -> None:
    """It acts in floats itself, so that the page would tell of 1.37 where 1 is done."""
    env = {"id": "tests/Levers-v0", "import": "tests.agents.export.worlds", "workers": "sync"}
    experiment = load(tmp_path, env={**env, "frame": {"height": 40, "width": 44}})
    prepare(experiment, ["latent"])
    make_agent(experiment, "latent")
    (agent,) = RunReader.open(experiment).parts(["latent/seed_0"]).agents
    assert agent.facts.actions.whole
    assert agent.facts.actions.low == (-3,) * 4


def test_one_agent_of_each_arm_plays(tmp_path: Path) -> None:
    """The first finished one, in the order of the arms."""
    for name in ("memory/seed_3", "memory/seed_10", "latent/seed_1", "latent/seed_0"):
        folder = tmp_path / "agents" / name
        folder.mkdir(parents=True)
        (folder / "card.json").write_text("{}")
    (tmp_path / "agents/latent/seed_0/card.json").unlink()
    found = [str(path.relative_to(tmp_path / "agents")) for path in first_agents(tmp_path)]
    assert found == ["latent/seed_1", "memory/seed_3"]
