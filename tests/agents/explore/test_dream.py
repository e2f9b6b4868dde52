"""The section on the dream: it dreams as Python does, and keys play it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from agents.config.experiment import Experiment
from agents.explore.dream_part import trust_facts
from agents.explore.segments import HeldOutFrame, ShownEpisodes
from tests.diagnostics.fidelity.worlds import TRUE, fidelity
from worldvae.autoencoders.encoder import Encoder
from worldvae.diagnostics.fidelity.rules.evidence import FIDELITY
from worldvae.dynamics.checkpoint import load_dynamics
from worldvae.dynamics.heads import Classes, Mixture
from worldvae.dynamics.model import Dynamics
from worldvae.dynamics.state import DynamicsState
from worldvae.envs.actions import agent_actions
from worldvae.rollouts import RolloutStore

MOMENT = "({ memory: [...m.memory], code: [...m.code], action: m.action, reward: m.reward,"
MOMENT += " end: m.endProbability, disagreement: m.disagreement })"
ACTIONS = [2, 4, 0, 1, 3, 3, 2, 1]
RIGHT, UP = "\ue014", "\ue013"


@dataclass(frozen=True)
class Draws:
    """Noise that was drawn before, in place of `worldvae.dynamics.noise.Noise`."""

    uniforms: torch.Tensor
    normals: torch.Tensor

    def uniform(self, *shape: int) -> torch.Tensor:
        return self.uniforms.reshape(shape)

    def normal(self, *shape: int) -> torch.Tensor:
        return self.normals.reshape(shape)


@pytest.fixture(scope="module")
def dynamics(explored: Experiment) -> Dynamics:
    return load_dynamics(explored.dynamics_folder)[0]


@pytest.fixture(scope="module")
def shown(explored: Experiment) -> ShownEpisodes:
    return ShownEpisodes.of(RolloutStore(explored.rollouts_folder))


def state_at(
    moment: HeldOutFrame, shown: ShownEpisodes, explored: Experiment, dynamics: Dynamics
) -> DynamicsState:
    """What the dynamics have observed at a held-out frame, after three decisions at most."""
    encoder, most = Encoder.load(explored.encoder_folder), explored.dream.burn_in
    codes = encoder.whiten(encoder.encode(shown.inputs(moment, 1, most)))
    taken = agent_actions(shown.store.arrays(moment.record)["action"], shown.store.action_space)
    state, first = dynamics.initial(1), torch.ones(1, dtype=torch.bool)
    before = len(codes) - 1
    actions = [0, *taken[moment.frame - before : moment.frame]]
    for code, action in zip(codes, actions, strict=True):
        encoded = torch.eye(5)[int(action)][None]
        state = dynamics.observe(state, torch.from_numpy(code)[None], encoded, first)
        first = torch.zeros(1, dtype=torch.bool)
    return state


def dreamed(page: Any, start: int, seed: int, actions: list[int], temperature: float) -> Any:
    """All moments of a dream, and its member."""
    script = (
        "const [start, seed, actions, temperature] = arguments;"
        "worldvae.view.pause();"
        "const dream = worldvae.dream;"
        "dream.temperature = temperature;"
        "await dream.begin(start, seed);"
        "for (const action of actions) await dream.step([action]);"
        f"return [dream.member, dream.course.map(m => {MOMENT})]"
    )
    return page.wait(script, start, seed, actions, temperature)


@pytest.mark.parametrize("start", [0, 6, 15])
def test_a_dream_without_chance_is_that_of_python(
    page: Any, shown: ShownEpisodes, explored: Experiment, dynamics: Dynamics, start: int
) -> None:
    """Memory after the real decisions, codes, rewards, ends, disagreement: each within 1e-4."""
    state = state_at(shown.moments(16)[start], shown, explored, dynamics)
    member, course = dreamed(page, start, start, ACTIONS, 0.0)
    assert_same(course[0], state)
    for moment, action in zip(course[1:], ACTIONS, strict=True):
        assert moment["action"] == [action]
        state, step = dynamics.imagine(
            state, torch.eye(5)[[action]], torch.Generator(), 0.0, torch.tensor([member])
        )
        assert_same(moment, state)
        found = moment["reward"], moment["end"], moment["disagreement"]
        expected = step.reward, step.end_probability, step.disagreement
        np.testing.assert_allclose(found, torch.cat(expected), atol=1e-4)
    moved = np.array(course[-1]["code"]) - np.array(course[0]["code"])
    assert np.abs(moved).max() > 0.1, "nothing to compare"


def assert_same(moment: Any, state: DynamicsState) -> None:
    np.testing.assert_allclose(moment["code"], state.code[0], atol=1e-4)
    np.testing.assert_allclose(moment["memory"], state.carried[:, 0].flatten(), atol=1e-4)


def mixture(seed: int = 0) -> tuple[Mixture, Classes]:
    draw = torch.Generator().manual_seed(seed)
    weights, means, log_stds = torch.randn(3, 4, 3, generator=draw)
    values = torch.tensor([[-1.0, 0.0, 2.0], [0.0, 5.0, float("nan")]])
    logits = torch.randn(2, 3, generator=draw).masked_fill(values.isnan(), -1e9)
    return (
        Mixture(weights.log_softmax(-1), 3 * means, 0.5 * log_stds),
        Classes(logits.log_softmax(-1), values),
    )


def as_prediction(latents: Mixture, keys: Classes) -> dict[str, Any]:
    return {
        "logWeights": latents.log_weights.tolist(),
        "means": latents.means.tolist(),
        "deviations": latents.log_stds.exp().tolist(),
        "keyLogWeights": keys.log_weights.tolist(),
        "keyValues": keys.values.nan_to_num().tolist(),
    }


@pytest.mark.parametrize("temperature", [0.0, 0.3, 1.0, 1.7])
def test_the_same_noise_draws_the_same_change(page: Any, temperature: float) -> None:
    latents, keys = mixture()
    draw = torch.Generator().manual_seed(1)
    uniforms, normals = torch.rand(6, generator=draw), torch.randn(4, generator=draw)
    found = page.wait(
        "const [prediction, temperature, uniforms, normals] = arguments;"
        "const noise = { uniform: () => uniforms.shift(), normal: () => normals.shift() };"
        "return worldvae.drawChange(prediction, temperature, noise)",
        as_prediction(latents, keys),
        temperature,
        uniforms[4:].tolist() if temperature == 0 else uniforms.tolist(),
        normals.tolist(),
    )
    noise: Any = Draws(uniforms[:4], normals)
    expected = torch.cat(
        [latents.sample(noise, temperature), keys.sample(Draws(uniforms[4:], normals), 1.0)]
    )
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.parametrize("temperature", [0.5, 1.0, 1.5])
def test_draws_have_the_distribution_of_python(page: Any, temperature: float) -> None:
    """By the share of draws below each of nine thresholds, of 8,000 and 200,000 draws."""
    latents, keys = mixture(3)
    found = np.array(
        page.wait(
            "const [prediction, temperature] = arguments, random = new worldvae.Random(5);"
            "return Array.from({length: 8000},"
            "  () => worldvae.drawChange(prediction, temperature, random))",
            as_prediction(latents, keys),
            temperature,
        )
    )
    expected = _many(latents, keys, temperature)
    for mine, theirs in zip(found.T, expected.T, strict=True):
        thresholds = np.quantile(theirs, np.linspace(0.1, 0.9, 9)) + 1e-6
        below = (mine[:, None] < thresholds).mean(0)
        np.testing.assert_allclose(below, (theirs[:, None] < thresholds).mean(0), atol=0.025)


def _many(latents: Mixture, keys: Classes, temperature: float) -> NDArray[np.float32]:
    from worldvae.dynamics.noise import Noise

    noise, count = Noise(torch.Generator().manual_seed(0)), 200_000
    many = Mixture(
        *(part.expand(count, -1, -1) for part in (latents.log_weights, latents.means)),
        latents.log_stds.expand(count, -1, -1),
    )
    classes = Classes(keys.log_weights.expand(count, -1, -1), keys.values)
    drawn = many.sample(noise, temperature), classes.sample(noise, 1.0)
    return np.asarray(torch.cat(drawn, -1))


def test_ends_are_drawn_with_their_probability(page: Any) -> None:
    ended, expected = page.wait(
        "let ended = 0, expected = 0;"
        "worldvae.view.pause();"
        "for (let seed = 0; seed < 150; seed++) {"
        "  await worldvae.dream.begin(3, seed);"
        "  const moment = await worldvae.dream.step([1]);"
        "  ended += moment.ended; expected += moment.endProbability;"
        "}"
        "return [ended, expected]"
    )
    assert 5 < expected < 145
    assert abs(ended - expected) < 3.5 * np.sqrt(expected * (1 - expected / 150))


def test_the_same_seed_and_actions_are_the_same_dream(page: Any) -> None:
    first = dreamed(page, 4, 9, ACTIONS, 1.0)
    assert dreamed(page, 4, 9, ACTIONS, 1.0) == first
    assert dreamed(page, 4, 10, ACTIONS, 1.0) != first


def test_one_goes_back_and_acts_otherwise(page: Any) -> None:
    """Each way is a branch, and up to where they part all are the same."""
    before = dreamed(page, 2, 5, [1, 1, 1, 1], 1.0)[1]
    first, second, third = page.wait(
        "const dream = worldvae.dream;"
        "dream.goTo(2); await dream.step([2]); await dream.step([2]);"
        "dream.goTo(3); await dream.step([4]);"
        "dream.goTo(4, 0);"
        f"return dream.branches.map(course => course.map(m => {MOMENT}))"
    )
    assert first == before
    assert second[:3] == before[:3]
    assert second[3]["code"] != before[3]["code"]
    assert third[:4] == second[:4]
    assert [len(second), len(third)] == [5, 5]
    assert third[4]["code"] != second[4]["code"]
    assert page.run("return [worldvae.dream.branch, worldvae.dream.at]") == [0, 4]


def test_whoever_acts_as_before_goes_along_the_same_branch(page: Any) -> None:
    """At another temperature it is another one; of too many branches the oldest is forgotten."""
    dreamed(page, 2, 5, [1, 3], 1.0)
    found = page.wait(
        "const dream = worldvae.dream, seen = [];"
        "const from = async (decision, action) => {"
        "  dream.goTo(decision); await dream.step([action]);"
        "  seen.push([dream.branches.length, dream.branch, dream.at]);"
        "};"
        "await from(0, 1); await from(1, 3);"
        "dream.temperature = 0.5; await from(1, 3);"
        "dream.temperature = 1;"
        "for (const action of [2, 4, 0]) await from(0, action);"
        "return [seen, dream.branches.map(course => course[1].action[0])]"
    )
    assert found[0] == [[1, 0, 1], [1, 0, 2], [2, 1, 2], [3, 2, 1], [4, 3, 1], [4, 3, 1]]
    assert found[1] == [1, 2, 4, 0]


def test_the_border_turns_red_where_the_check_trusts_no_longer(page: Any) -> None:
    found = page.wait(
        "const { view, dream } = worldvae, facts = dream.dynamics.facts;"
        "const screen = document.getElementById('dream-screen');"
        "const words = document.getElementById('dream-belief');"
        "const seen = [];"
        "const isRed = () => screen.classList.contains('unbelievable');"
        "const look = () => seen.push([isRed(), words.textContent]);"
        "await view.begin(1); look();"
        "facts.trust = { horizon: 2, judged: 8, verdict: 'doubtful', temperature: 1 };"
        "view.show(); look(); facts.trust.verdict = 'trusted';"
        "dream.temperature = 0;"
        "for (let i = 0; i < 3; i++) { await dream.step([0]); view.show(); look(); }"
        "facts.trust = null; facts.max_disagreement = dream.now.disagreement / 2;"
        "view.show(); look();"
        "facts.max_disagreement = null; view.show(); look();"
        "return seen"
    )
    assert "Nobody has checked" in found[0][1]
    assert "the first 2 decisions of this dream, but finds faults in it" in found.pop(1)[1]
    assert [red for red, _ in found] == [False, False, False, True, True, False]
    trusted = "The fidelity check trusts the first 2 decisions of this dream."
    assert found[2][1] == f"{trusted} The check was at temperature 1.00, here it is 0.00."
    assert found[3][1].startswith("Do not believe this: the fidelity check trusts the first 2 dec")
    assert found[4][1] == "Do not believe this: the members disagree."


@pytest.mark.parametrize(("verdict", "trusted"), [("unfit", 0), ("doubtful", 64)])
def test_no_decision_of_an_unfit_dream_is_trusted(
    verdict: str, trusted: int, tmp_path: Path
) -> None:
    """Whatever validation episodes would advise."""
    FIDELITY.write(tmp_path, fidelity(TRUE).model_copy(update={"verdict": verdict}))
    facts = trust_facts(tmp_path)
    assert facts is not None
    assert (facts.verdict, facts.horizon, facts.judged) == (verdict, trusted, 64)


def test_keys_play_the_dream(page: Any, explored: Experiment) -> None:
    """Real key presses, and the canvas they change; the page counts its own frames."""
    page.wait(
        "const { dynamics, view } = worldvae, predict = dynamics.predict.bind(dynamics);"
        "dynamics.predict = async (...given) => {"
        "  const found = await predict(...given);"
        "  found.members.forEach(member => (member.endProbability = 0));"
        "  return found;"
        "};"
        "document.getElementById('dream-speed').value = '4';"
        "worldvae.dream.temperature = 1;"
        "await view.begin(1)"
    )
    page.run("document.getElementById('dream-screen').focus()")
    before = canvas(page)
    page.press(RIGHT, seconds=1.0)
    page.press("p")
    page.run("delete worldvae.dynamics.predict")
    actions = page.run("return worldvae.dream.course.slice(1).map(m => m.action[0])")
    assert actions[0] == 2
    assert 0 in actions or set(actions) == {2}, "once the key is up: stay"
    assert (canvas(page) != before).any()
    encoder = Encoder.load(explored.encoder_folder)
    code = page.run("return [...worldvae.dream.now.code]")
    drawn = encoder.decode(encoder.unwhiten(np.array([code], np.float32)))[0]
    assert np.abs(canvas(page).astype(int) - drawn).max() <= 1


def canvas(page: Any) -> Any:
    from tests.agents.explore.test_code import pixels

    return pixels(page, "dream-canvas")


def test_keys_stand_for_the_environments_own_names(page: Any) -> None:
    assert page.run("return worldvae.contents.dream.actions.names") == [
        "STAY",
        "LEFT",
        "RIGHT",
        "UP",
        "DOWN",
    ]
    names = ["NOOP", "FIRE", "UPRIGHT", "RIGHT", "MOVE_LEFT+ATTACK", "forward"]
    presses = [["ArrowRight"], ["ArrowUp", "ArrowRight"], [" "], ["ArrowLeft", " "], ["4"], ["9"]]
    found = page.wait(
        "const [names, presses] = arguments;"
        "const facts = { kind: 'discrete', names, choices: names.length, low: [], high: [] };"
        "const actions = worldvae.makeActions(facts);"
        "return [actions.idle, ...presses.map(keys => actions.ofKeys(keys))]",
        names,
        presses,
    )
    assert found == [[0], [3], [2], [1], [4], [4], None]


@pytest.mark.parametrize(
    ("name", "keys"),
    [
        ("pickup", []),
        ("HOUSE", []),
        ("cleft", []),
        ("upright tower", ["ArrowRight", "ArrowUp"]),
        ("DOWNRIGHTFIRE", [" ", "ArrowDown", "ArrowRight"]),
        ("MOVE_LEFT+ATTACK", [" ", "ArrowLeft"]),
        ("Turn left 30 degrees", ["ArrowLeft"]),
        ("moveForward", ["ArrowUp"]),
        ("turnright", ["ArrowRight"]),
    ],
)
def test_a_name_stands_for_the_words_that_it_is_made_of(
    page: Any, name: str, keys: list[str]
) -> None:
    """And not for words that others only contain; joined words are all known, as Atari's are."""
    found = page.wait(
        "const facts = { kind: 'discrete', names: [arguments[0]], choices: 1 };"
        "return [...worldvae.makeActions(facts).keys[0]].sort()",
        name,
    )
    assert found == keys


def test_of_two_keys_that_exclude_each_other_the_newest_counts(page: Any) -> None:
    found = page.wait(
        "const choices = { kind: 'discrete', names: ['LEFT', 'RIGHT'], choices: 2 };"
        "const axes = { kind: 'box', names: [], low: [-1, -1], high: [1, 1] };"
        "const keys = [['ArrowLeft', 'ArrowRight'], ['ArrowRight', 'ArrowLeft']];"
        "return [choices, axes].map(facts => keys.map(pressed =>"
        "  worldvae.makeActions(facts).ofKeys(pressed)))"
    )
    assert found[0] == [[1], [0]]
    np.testing.assert_allclose(found[1], [[0.7, 0], [-0.7, 0]])


def test_a_key_that_is_tapped_between_two_decisions_counts_for_one(page: Any) -> None:
    """One is held, two others are tapped, the second as the newest; one is tapped and held."""
    found = page.wait(
        "const { input } = worldvae.view, screen = document.getElementById('dream-screen');"
        "worldvae.view.pause(); await worldvae.view.begin(1); input.keys.clear();"
        "input.onAct = () => {};"
        "const send = (type, name) => screen.dispatchEvent("
        "  new KeyboardEvent(type, { key: name, code: name, bubbles: true, cancelable: true }));"
        "const seen = [], look = () => seen.push(input.take());"
        "send('keydown', 'ArrowUp'); look();"
        "for (const name of ['ArrowLeft', 'ArrowRight']) {"
        "  send('keydown', name); send('keyup', name);"
        "}"
        "look(); look(); send('keyup', 'ArrowUp'); look();"
        "for (const type of ['keydown', 'keyup', 'keydown']) send(type, 'ArrowDown');"
        "look(); look(); send('keyup', 'ArrowDown'); look();"
        "input.onAct = action => worldvae.view.act(action);"
        "return seen"
    )
    assert found == [[3], [2], [3], None, [4], [4], None]


def test_numbers_are_encoded_as_in_python_and_follow_two_axes(page: Any) -> None:
    from worldvae.dynamics.actions import PolicyActions

    low, high = [-1.0, 0.0, -3.0], [1.0, 1.0, 5.0]
    found = page.wait(
        "const [low, high, action] = arguments;"
        "const actions = worldvae.makeActions({ kind: 'box', names: [], low, high });"
        "const held = ['ArrowLeft', 'ArrowUp'];"
        "const pressed = Array.from({length: 4}, () => actions.ofKeys(held));"
        "return [[...actions.encode(action)], pressed, actions.ofKeys([]), actions.idle]",
        low,
        high,
        [0.5, 0.25, 4.0],
    )
    encoded = PolicyActions(low=tuple(low), high=tuple(high)).encode(np.array([[0.5, 0.25, 4.0]]))
    np.testing.assert_allclose(found[0], encoded[0], atol=1e-6)
    np.testing.assert_allclose(found[1][0], [-0.7, 0.35, 0])
    np.testing.assert_allclose(found[1][3], [-1, 1, 0])
    assert found[2] is None
    assert found[3] == [0, 0, 0]


def test_whole_numbers_are_rounded_as_in_python(page: Any) -> None:
    """Of two that are as near, the even one: where Python and the page differ, so do dreams."""
    from worldvae.dynamics.actions import PolicyActions

    values = [-2.5, -1.5, -0.5, -0.2, 0.5, 1.5, 2.4999, 2.5, 33.0]
    facts = {"kind": "box", "names": [], "low": [-3] * 9, "high": [5] * 9, "whole": True}
    encoded, words = page.wait(
        "const [facts, action] = arguments;"
        "const actions = worldvae.makeActions(facts);"
        "return [[...actions.encode(action)], actions.describe(action)]",
        facts,
        values,
    )
    space = PolicyActions(low=(-3.0,) * 9, high=(5.0,) * 9, whole=True)
    np.testing.assert_allclose(encoded, space.encode(np.array([values]))[0], atol=1e-6)
    minus = "\N{MINUS SIGN}"
    assert words == f"axis 0 {minus}2, axis 1 {minus}2, axis 2 0, axis 3 0"


def test_keys_beside_the_frame_are_shown_in_their_own_units(page: Any) -> None:
    found = page.wait(
        "const key = { name: 'health', mean: [50], std: [20], low: [-2.5], high: [2.5] };"
        "const Dynamics = worldvae.dynamics.constructor;"
        "const dynamics = new Dynamics({ latents: 2, keys: [key] }, null);"
        "const shown = (value) => dynamics.keysOf([0, 0, value])[0].values[0];"
        "const after = (change) => dynamics.moved([0, 0, 1], [9, -9, change]);"
        "return [shown(-1), shown(2.5), after(0.5), after(3), after(-4)]"
    )
    assert found == [30, 100, [9, -9, 1.5], [9, -9, 2.5], [9, -9, -2.5]]


def test_one_number_of_a_choice_is_on(page: Any) -> None:
    """Each was drawn by itself, so that none was on, or two; a battery beside it is left alone."""
    found = page.wait(
        "const unit = (name, count, isChoice) => ({ name, is_choice: isChoice,"
        "  mean: Array(count).fill(0), std: Array(count).fill(1),"
        "  low: Array(count).fill(0), high: Array(count).fill(1) });"
        "const Dynamics = worldvae.dynamics.constructor;"
        "const keys = [unit('battery', 1, false), unit('mode', 3, true)];"
        "const dynamics = new Dynamics({ latents: 1, keys }, null);"
        "const log = (...weights) => weights.map(Math.log);"
        "const prediction = { logWeights: [[0]], means: [[0]], deviations: [[0]],"
        "  keyLogWeights: [log(1, 0, 0), log(.5, 0, .5), log(.7, .3, 0), log(.8, .2, 0)],"
        "  keyValues: Array(4).fill([0, 1, -1]) };"
        "const noise = new worldvae.Random(0, 0);"
        "return Array.from({ length: 4000 }, () =>"
        "  Array.from(dynamics.drawn([0, .25, 1, 0, 0], prediction, 1, noise)))"
    )
    drawn = np.array(found)
    assert (drawn[:, 1] == 0.25).all()
    assert (np.sort(drawn[:, 2:]) == [0, 0, 1]).all()
    np.testing.assert_allclose(drawn[:, 2:].mean(0), [0.5, 0.3, 0.2], atol=0.03)
