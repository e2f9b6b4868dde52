"""The rows of environments in processes of their own, against Gymnasium's own AsyncVectorEnv."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gymnasium.vector import VectorEnv

from agents.benchmark.bench import Bench
from agents.benchmark.collection import every_step
from agents.benchmark.limits import OTHER_SIDE
from agents.benchmark.measure import Comparison, Contest, Side, Stopwatch
from agents.benchmark.rows import Row, Unit
from agents.benchmark.stepping import take_decisions
from agents.benchmark.usual import make_usual_env
from worldvae.envs import EnvConfig, make_vec
from worldvae.envs.frames import FrameConfig

LIGHT = EnvConfig(id="worldvae/Dots-v0", frame=FrameConfig(height=40, width=40))
"""An environment whose step takes 20 us, so that what is added to it is seen best."""


def process_rows() -> tuple[Row, ...]:
    """Return a row for a heavy environment, and one for a light one."""
    return (
        _row("processes-car-racing", "CarRacing, a process an env", _heavy),
        _row("processes-light", "Dots, a process an env", _light),
    )


def _row(name: str, ours: str, compare: Callable[[Bench], Comparison]) -> Row:
    against, unit = "Gymnasium's AsyncVectorEnv", Unit("env steps/s")
    return Row(name, "Processes", ours, against, unit, 0.9, compare, OTHER_SIDE)


def _heavy(bench: Bench) -> Comparison:
    return _compare(bench, bench.config.car_racing, bench.config.processes.heavy_steps)


def _light(bench: Bench) -> Comparison:
    return _compare(bench, LIGHT, bench.config.processes.light_steps)


def _compare(bench: Bench, task: EnvConfig, steps: int) -> Comparison:
    """Compare environments as agents train in them with bare ones."""
    env = every_step(task).model_copy(update={"backend": "gymnasium", "workers": "async"})
    num_envs, size = bench.config.processes.num_envs, (env.frame.height, env.frame.width)
    seed = bench.seed("processes")
    ours = _stepping(lambda: make_vec(env, num_envs, seed, state=False), steps, seed)
    theirs = _stepping(lambda: make_usual_env(env.id, size, num_envs), steps, seed)
    return bench.compare(Contest(ours, theirs))


def _stepping(make: Callable[[], VectorEnv[Any, Any, Any]], steps: int, seed: int) -> Side:
    """Return a side that takes random actions; starting and ending processes is not counted."""

    def play(watch: Stopwatch) -> float:
        with watch.paused():
            vec = make()
        return take_decisions(vec, steps, watch, seed, reset_seed=seed)

    return play
