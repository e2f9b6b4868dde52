"""What is refused before anything is trained."""

import sys

import pytest

from agents.config.experiment import Experiment
from agents.sweep.run import sweep
from tests.tiny import TINY
from worldvae.errors import WorldvaeError


def load(runs, **overrides):
    return Experiment.load(TINY, {"runs": str(runs), "name": "x", **overrides})


@pytest.mark.parametrize("objective", ["ae", "vae", "capacity_vae"])
def test_an_objective_without_a_beta_to_choose(tmp_path, objective):
    with pytest.raises(
        WorldvaeError, match=f"{objective} has no beta to sweep; use one of beta_vae"
    ):
        sweep(load(tmp_path, **{"pretrain.objective": objective}))
    assert not list(tmp_path.iterdir())


def test_optuna_missing_is_one_line_that_installs_it(tmp_path, monkeypatch):
    monkeypatch.delitem(sys.modules, "agents.sweep.curve", raising=False)
    monkeypatch.setitem(sys.modules, "optuna", None)
    with pytest.raises(WorldvaeError, match=r"pip install 'worldvae\[sweep\]'"):
        sweep(load(tmp_path))


@pytest.mark.parametrize("beta", [[0.0, 1.0], [1.0, 0.1], [1.0, 1.0]])
def test_a_range_that_is_none(tmp_path, beta):
    with pytest.raises(WorldvaeError, match="the smaller one first"):
        load(tmp_path, **{"sweep.beta": beta})
