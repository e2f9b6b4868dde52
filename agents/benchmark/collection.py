"""The rows of collection: storing every frame, against bare stepping and against a usual script."""

from __future__ import annotations

from math import prod

from agents.benchmark.bare import step_bare
from agents.benchmark.bench import Bench
from agents.benchmark.limits import OTHER_SIDE, Work
from agents.benchmark.measure import Comparison, Contest, Side, Stopwatch
from agents.benchmark.rows import Row, Unit
from agents.benchmark.speeds import Resource
from agents.benchmark.usual import collect_usually, make_usual_env
from worldvae.envs import EnvConfig
from worldvae.rollouts import RolloutStore, collect

FRAMES_A_SECOND = Unit("frames/s")


def collection_rows() -> tuple[Row, ...]:
    """Return the rows: both games against their bare backends, CarRacing against a usual script."""
    return (
        Row(
            "collection-car-racing",
            "Collection",
            "CarRacing, every frame stored",
            "bare envpool, nothing stored",
            FRAMES_A_SECOND,
            0.9,
            lambda bench: _against_bare(bench, bench.config.car_racing),
            OTHER_SIDE,
        ),
        Row(
            "collection-pong",
            "Collection",
            "Pong, every frame stored",
            "bare ale-py, nothing stored",
            FRAMES_A_SECOND,
            0.9,
            lambda bench: _against_bare(bench, bench.config.pong),
            OTHER_SIDE,
        ),
        Row(
            "collection-async",
            "Collection",
            "CarRacing, every frame stored",
            "AsyncVectorEnv, an npz an episode",
            FRAMES_A_SECOND,
            6.0,
            _against_async,
            _storing,
        ),
    )


def every_step(env: EnvConfig) -> EnvConfig:
    """Return `env` without action repeat or early ends, as the bare backend plays it."""
    return env.model_copy(update={"action_repeat": 1, "give_up_after": None})


def stored(bench: Bench, env: EnvConfig, frames: int, num_envs: int) -> Side:
    """Return a side that collects into an empty store, with all preparations.

    It counts env steps.
    """

    def side(watch: Stopwatch) -> float:
        watch.stop()
        with bench.scratch() as folder:
            store = RolloutStore.create(folder / "rollouts", env)
            watch.start()
            collect(store, bench.collection(frames, num_envs), bench.seed("collect"))
            watch.stop()  # removing the folder is not counted
            return store.env_steps

    return side


def _against_bare(bench: Bench, env: EnvConfig) -> Comparison:
    settings, env = bench.config.collection, every_step(env)

    def bare(_: Stopwatch) -> float:
        return step_bare(env, settings.num_envs, settings.frames, bench.seed("bare"))

    ours = stored(bench, env, settings.frames, settings.num_envs)
    return bench.compare(Contest(ours, bare))


def _storing(bench: Bench) -> tuple[Work, ...]:
    """Count the bytes of a stored frame.

    It is written once; before that it is copied out of the environment, hashed, and copied into the
    page cache: three times read, two times written.
    """
    size = prod(bench.config.car_racing.frame.shape)
    amounts: dict[Resource, int] = {"disk": size, "memory": 5 * size}
    return tuple(Work(resource=name, amount=n, of="a frame") for name, n in amounts.items())


def _against_async(bench: Bench) -> Comparison:
    settings, env = bench.config.collection, every_step(bench.config.car_racing)
    size = (env.frame.height, env.frame.width)

    def usual(watch: Stopwatch) -> float:
        with watch.paused():  # starting its processes is not counted
            vec = make_usual_env(env.id, size, settings.num_envs)
        with bench.scratch() as folder:
            steps = collect_usually(vec, settings.async_frames, folder, bench.seed("usual"))
            watch.stop()
        vec.close()
        return steps

    ours = stored(bench, env, settings.frames, settings.num_envs)
    return bench.compare(Contest(ours, usual))
