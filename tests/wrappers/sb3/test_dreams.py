"""Stable-Baselines3's callbacks see what a dream tells of each decision."""

import numpy as np

from tests.dynamics.linear import linear_source
from worldvae.dynamics.dream import DreamVectorEnv
from worldvae.dynamics.dream_batch import TOLD
from worldvae.wrappers.sb3 import VectorEnvAdapter

N = 4


def dreams() -> DreamVectorEnv:
    return DreamVectorEnv(linear_source(end_rate=0.2, horizon=6), N, seed=3)


def test_a_decision_comes_with_the_infos_of_its_own_dream() -> None:
    """Those of the dream that ended, where the next has begun on the same step."""
    plain, adapter = dreams(), VectorEnvAdapter(dreams())
    plain.reset()
    adapter.reset()
    moved = 0
    for _ in range(40):
        *_, info = plain.step(np.zeros(N, int))
        *_, dones, infos = adapter.step(np.zeros(N, int))
        for index, (done, told) in enumerate(zip(dones, infos, strict=True)):
            own = info["final_info"] if done else info
            assert {name: told[name] for name in TOLD} == {name: own[name][index] for name in TOLD}
            moved += told["start"] != info["start"][index]
    assert moved
