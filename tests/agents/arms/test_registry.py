"""Arms are data: no other module names one, and a new one is a row and an observer."""

import ast
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from agents import compare
from agents.arms import observers, registry
from agents.arms.observers import ObservationKind, ObserverInputs
from agents.arms.registry import ARMS, Arm
from agents.jobs import local
from agents.run.load import read_run
from tests.tiny import load
from worldvae.wrappers.latent_observer import LatentObserver

ROOT = Path(__file__).parents[3]

HOMONYMS = {
    # The key of the true state in `info` and in an episode, and the section of a probe's page.
    "worldvae/envs/state.py": {"state"},
    # What a page of the health check compares: a frame made small, a network that is untrained,
    # and how near the neighbours of a latent are in it.
    "worldvae/diagnostics": {"pixels", "untrained", "state", "blind", "dream"},
    "worldvae/plots/encoder.py": {"pixels", "untrained"},
    # The keys of configurations: what a decoder models, and what the environment shows.
    "worldvae/autoencoders/config.py": {"pixels"},
    "worldvae/envs/config.py": {"pixels"},
    "worldvae/envs/make.py": {"pixels"},
    # What a benchmark measures, and the two worlds of a gap with the key of the environment.
    "agents/benchmark": {"memory", "dream"},
    # What a peer's model names its own state.
    "agents/benchmark/peers.py": {"state"},
    "agents/gap": {"dream", "pixels"},
    "worldvae/plots": {"dream"},
    # What an exported file takes in and gives out, and a column of a model card.
    "worldvae/export": {"memory", "dream"},
    # The name of the true state in a dataset's infos.
    "worldvae/rollouts/minari": {"state"},
    # The name of a stream of random numbers.
    "worldvae/dynamics": {"dream"},
    # The section of a configuration.
    "agents/run/deciding.py": {"dream"},
    # A network of the explorer's page, and one of its scripts.
    "agents/explore": {"dream"},
}
"""Words of the library, which knows no arms, that an arm happens to be called by."""


def literals(path: Path) -> set[str]:
    """Every string of a module, docstrings aside."""
    tree = ast.parse(path.read_text())
    prose = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    }


def test_no_module_but_the_registry_names_an_arm() -> None:
    for package in ("agents", "worldvae", "scripts"):
        for path in (ROOT / package).rglob("*.py"):
            where = path.relative_to(ROOT).as_posix()
            known = {word for part, words in HOMONYMS.items() if part in where for word in words}
            named = literals(path) & set(ARMS) - known
            assert where == "agents/arms/registry.py" or not named, f"{where} names {named}"


def test_every_row_can_be_read() -> None:
    for name, arm in ARMS.items():
        assert name == arm.name
        assert arm.observes in observers.OBSERVERS
        assert arm.encoder is not None or not (arm.learns_encoder or arm.may_refit)


@pytest.mark.parametrize("name", ["random", "Latent", ""])
def test_a_word_that_is_no_arm_is_told_the_arms(name: str) -> None:
    with pytest.raises(ValueError, match="expected one of pixels, latent, untrained, memory"):
        registry.check_arm(name)


NOISE = Arm(
    name="noise",
    observes="noise",
    encoder="trained",
    colour="#444444",
    observation="numbers that tell nothing, as many as there are latents",
    first_layers="none: the shared dense layers begin at the noise",
)


class NoiseObserver(LatentObserver):
    """Latents replaced by noise of the same mean and deviation."""

    def codes(self, inputs: np.ndarray) -> np.ndarray:
        shape = len(inputs), self.encode.encoder.latents
        return np.random.default_rng(int(inputs.sum())).standard_normal(shape).astype(np.float32)


def make_noise(inputs: ObserverInputs) -> NoiseObserver:
    assert inputs.encode is not None
    return NoiseObserver(inputs.encode, inputs.stack)


class HereAndNow:
    """A process that is none: it does the job in this one, where the new arm is known."""

    exit_code, error_message = 0, ""

    def __init__(self, work: Callable[[], object], *_: object, **__: object) -> None:
        work()

    def terminate(self) -> None:
        pass

    def wait(self) -> None:
        pass


def test_a_new_arm_is_a_row_and_an_observer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes through collection, pretraining, training, comparing and the report."""
    monkeypatch.setitem(ARMS, "noise", NOISE)
    monkeypatch.setitem(
        observers.OBSERVERS, "noise", ObservationKind(make_noise, panel="sees noise")
    )
    monkeypatch.setattr(local, "Process", HereAndNow)
    # What a command does to its process is not to be done to this one.
    monkeypatch.setattr(compare, "run_command", lambda work, _command: work())
    arms = {"compare.arms": ["latent", "noise"], "compare.seeds": [0], "compare.workers": 1}
    experiment = load(tmp_path, **arms)
    assert compare.compare(experiment)
    run = read_run(experiment.folder)
    assert run.arms == ("latent", "noise")
    assert run.known_charge("noise") == run.known_charge("latent")
    assert run.known_charge("noise").env_steps > 0
    assert run.finished("noise")[0].evaluation != run.finished("latent")[0].evaluation
    page = (experiment.folder / "report.html").read_text()
    for words in (NOISE.observation, NOISE.first_layers, NOISE.colour, "noise, seed 0"):
        assert words in page
    assert "noise sees numbers that tell nothing" in (experiment.folder / "report.md").read_text()
    scores = (experiment.folder / "scores.csv").read_text().splitlines()
    assert {line.split(",")[0] for line in scores} == {"arm", "latent", "noise"}
