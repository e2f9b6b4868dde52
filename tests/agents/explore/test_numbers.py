"""The numbers that the page writes: as many decimals as they need, and no zero with a sign."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from agents.explore.key_facts import key_facts
from agents.explore.page_file import FOLDER, SCRIPTS, page_source
from tests.dynamics.known import Windows, untrained, windows
from worldvae.dynamics.dynamics_files import KeyUnits
from worldvae.dynamics.key_units import is_choice
from worldvae.rollouts.keys import NO_BOUNDS, KeyBounds

MINUS = "\N{MINUS SIGN}"
WRITERS = "toFixed", "toPrecision", "toExponential"


def units(name: str, values: list[list[float]]) -> KeyUnits:
    """A key with bounds 0 and 1, measured on values (n, d)."""
    seen = np.array(values)
    std = seen.std(0)
    bounds = KeyBounds(low=("0.0",) * len(std), high=("1.0",) * len(std))
    deviations = tuple(np.where(std > 0, std, 1).tolist())
    return KeyUnits(name=name, mean=tuple(seen.mean(0).tolist()), std=deviations, bounds=bounds)


def draining() -> tuple[Windows, KeyUnits]:
    """Windows of one latent and a battery, which loses 0.006 a decision and is once charged."""
    charge = np.concatenate([np.linspace(1, 0.4, 101), np.linspace(0.9, 0.3, 101)])
    key = units("battery", charge[:, None].tolist())
    codes = np.stack([np.zeros(202), (charge - key.mean[0]) / key.std[0]], -1)
    episode = codes, np.zeros((201, 1)), np.full(201, -0.004), False
    return windows([episode], 201), key


def test_a_key_is_shown_as_fine_as_it_usually_changes() -> None:
    """By what is usual, not by the mean square, which is that of the rare charge."""
    seen, key = draining()
    dynamics = untrained(seen, keys=1)
    assert next(key_facts(dynamics, [key])).steps == pytest.approx([0.006], rel=1e-3)
    assert dynamics.usual_reward == pytest.approx(0.004, rel=1e-3)


def test_what_never_changes_is_shown_by_its_own_size() -> None:
    still = np.zeros((9, 3)), np.zeros((8, 1)), np.zeros(8), False
    dynamics = untrained(windows([still], 8), keys=2)
    assert next(key_facts(dynamics, [units("place", [[0.31, 0.0]] * 2)])).steps == (0.031, 0.0)


ONE_HOT = [[1.0, 0.0, 0.0]] * 7 + [[0.0, 1.0, 0.0]] * 2


def test_a_key_that_is_one_hot_is_known_by_its_units() -> None:
    """A choice that nobody makes is one; shares of 1, two coins and a single number are none."""
    choice = units("holds", ONE_HOT)
    assert is_choice(choice)
    assert is_choice(units("always", [[0.0, 1.0]] * 3))
    assert not is_choice(choice.model_copy(update={"bounds": NO_BOUNDS}))
    assert not is_choice(units("beliefs", [[0.2, 0.8], [0.9, 0.1], [0.0, 1.0]]))
    assert not is_choice(units("coins", [[0.0, 0.0], [0.0, 1.0], [1.0, 1.0], [1.0, 1.0]]))
    assert not is_choice(units("alarm", [[0.0], [1.0]]))


def test_one_function_alone_writes_decimals() -> None:
    """Else the next number that is written knows of no "-0.00" either."""
    assert {path.stem for path in FOLDER.glob("*.js")} == set(SCRIPTS)
    found = {name: page_source(f"{name}.js") for name in SCRIPTS if name != "elements"}
    assert [name for name, text in found.items() if any(one in text for one in WRITERS)] == []
    assert page_source("elements.js").count("toFixed") == 1


METERS = """
const [keys, moments] = arguments, { view, dynamics } = worldvae;
const shown = [...document.querySelectorAll('dl.meters dd')].map(one => [one, one.textContent]);
const place = document.getElementById('meter-keys'), own = [...place.children];
const apart = [...document.querySelectorAll('#dream .apart')].map(one => [one, one.hidden]);
const facts = { members: 1, keys, latents: 0, usual_reward: 0.004 };
const Dynamics = dynamics.constructor;
const dream = { seed: 1, member: 0, at: 1, dynamics: new Dynamics(facts, null) };
const meters = new view.meters.constructor(dream);
const seen = moments.map(({ code, reward }) => {
  dream.now = { code, reward, total: reward, endProbability: 0, disagreement: 0 };
  meters.show();
  const pays = ['meter-reward', 'meter-total'].map(id => document.getElementById(id));
  return [...meters.keys, ...pays].map(one => one.textContent);
});
place.replaceChildren(...own);
for (const [one, text] of shown) one.textContent = text;
for (const [one, hidden] of apart) one.hidden = hidden;
view.show();
return seen;
"""


def key(name: str, steps: list[float], choice: bool = False) -> dict[str, Any]:
    """A key in units of 1 about 0."""
    mean, std = [0] * len(steps), [1] * len(steps)
    low, high = [-9] * len(steps), [9] * len(steps)
    sizes = {"mean": mean, "std": std, "low": low, "high": high}
    return {"name": name, "steps": steps, "is_choice": choice, **sizes}


def test_meters_show_what_changes_and_the_choice_that_a_key_stands_for(page: Any) -> None:
    """Where a dream leaves what is one-hot, its numbers are shown."""
    keys = [key("battery", [0.006]), key("holds", [1, 1], True), key("ammo", [0.99999, 0.01])]
    tiny = -1e-8
    moments = [
        {"code": [0.394, 1, tiny, 26, tiny], "reward": -0.004},
        {"code": [-0.388, tiny, 1, tiny, -0.5], "reward": tiny},
        {"code": [tiny, 1, 1, -3, 0.25], "reward": 1},
    ]
    assert page.wait(METERS, keys, moments) == [
        ["0.394", "choice 0", "26, 0.00", f"{MINUS}0.004", f"{MINUS}0.004"],
        [f"{MINUS}0.388", "choice 1", f"0, {MINUS}0.50", "0.000", "0.000"],
        ["0.000", "1, 1", f"{MINUS}3, 0.25", "+1.000", "+1.000"],
    ]


def test_actions_of_a_narrow_axis_are_told_apart(page: Any) -> None:
    """With the names as they are: a hyphen is no minus."""
    words = page.wait(
        "const facts = { kind: 'box', names: ['wheel-1', 'b'], low: [-1, -0.01], high: [1, 0.01] };"
        "const actions = worldvae.makeActions(facts);"
        "return [[-0.5, 0.006], [-1e-9, -1e-9]].map(action => actions.describe(action))"
    )
    assert words == [f"wheel-1 {MINUS}0.50, b 0.0060", "wheel-1 0.00, b 0.0000"]
