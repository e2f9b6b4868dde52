"""The rows of dreams: many in one call of the dynamics, alone, and beside reality."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import gymnasium as gym
import torch
from stable_baselines3 import PPO

from agents.benchmark.bench import Bench
from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.limits import OTHER_SIDE, Work, operations
from agents.benchmark.measure import Comparison, Contest, Lap, Side, Stopwatch, run_lap
from agents.benchmark.rows import Row, Unit
from agents.benchmark.stepping import take_decisions
from worldvae.dynamics.config import DynamicsConfig
from worldvae.dynamics.dream import DreamVectorEnv
from worldvae.dynamics.dream_env import DreamEnv
from worldvae.dynamics.dream_source import DreamSource
from worldvae.dynamics.learn import make_untrained_dynamics
from worldvae.envs import make_vec
from worldvae.wrappers.latent import LatentVectorObservation
from worldvae.wrappers.sb3 import VectorEnvAdapter

DECISIONS = Unit("decisions/s")


def dream_rows(config: BenchmarkConfig) -> tuple[Row, ...]:
    """Return the rows: against the rate that is wanted, against single dreams, against reality."""
    ours = our_side(config)
    wanted, alone = f"{config.dream.wanted:,.0f} a second", "one call a dream"
    reality = "CarRacing as latents and memory"
    return (
        Row("dream", "Dream", ours, wanted, DECISIONS, 1.0, _against_wanted, _work),
        Row("dream-alone", "Dream", ours, alone, DECISIONS, 4.0, _against_single_dreams, _work),
        Row("dream-reality", "Dream", ours, reality, DECISIONS, None, _against_reality, _work),
        Row(
            "dream-ppo",
            "Dream",
            "PPO in these dreams, whole loop",
            "the dreams alone",
            DECISIONS,
            None,
            _learning_against_dreams,
            OTHER_SIDE,
        ),
    )


def our_side(config: BenchmarkConfig) -> str:
    """Return what the table says of dreams that are stepped together."""
    settings = config.dream
    return f"{settings.num_envs} dreams of a memory of {settings.network.memory}, one call"


def many_dreams(bench: Bench) -> Side:
    """Return a side that steps all dreams together, with random actions."""
    return _many(bench, dream_source(bench))


def _work(bench: Bench) -> tuple[Work, ...]:
    """Count the operations of the layers in one decision of one dream."""
    source = dream_source(bench)
    state = source.dynamics.initial(1)
    actions = torch.zeros(1, source.card.actions.size, device=state.code.device)
    generator = torch.Generator(state.code.device)
    count = operations(lambda: source.dynamics.imagine(state, actions, generator))
    return (Work(resource="float32", amount=count, of="a decision"),)


def _against_wanted(bench: Bench) -> Comparison:
    side = many_dreams(bench)
    run_lap(side, bench.clock)
    laps = tuple(run_lap(side, bench.clock) for _ in range(bench.config.rounds))
    return Comparison(laps, (Lap(bench.config.dream.wanted, 1.0),) * len(laps))


def _against_single_dreams(bench: Bench) -> Comparison:
    source = dream_source(bench)
    return bench.compare(Contest(_many(bench, source), _single(bench, source)))


def _against_reality(bench: Bench) -> Comparison:
    return bench.compare(Contest(many_dreams(bench), _reality(bench)))


def _learning_against_dreams(bench: Bench) -> Comparison:
    return bench.compare(Contest(_learning(bench), many_dreams(bench), warm_up=False))


def encoder_of(bench: Bench) -> Path:
    """Return the folder of the encoder whose latents are dreamed."""
    return bench.encoder(bench.config.car_racing, bench.config.lean_pretrain)


def dynamics_of(bench: Bench) -> Path:
    """Return a folder of dynamics with initial weights, which are as fast as trained ones."""
    env, network = bench.config.car_racing, bench.config.dream.network
    digest = hashlib.sha256(network.model_dump_json().encode()).hexdigest()[:8]
    folder = bench.experiment(env, bench.config.lean_pretrain).folder / f"dynamics-{digest}"
    config = DynamicsConfig(**dict(network))
    store = bench.store(env)
    make_untrained_dynamics(store, encoder_of(bench), config, folder, bench.config.seed)
    return folder


def dream_source(bench: Bench) -> DreamSource:
    """Return what dreams of the benchmark's dynamics share."""
    return DreamSource.load(dynamics_of(bench), device=bench.device)


def _many(bench: Bench, source: DreamSource) -> Side:
    settings = bench.config.dream
    return play_dreams(bench, source, settings.num_envs, settings.vector_steps)


def play_dreams(bench: Bench, source: DreamSource, num_envs: int, vector_steps: int) -> Side:
    """Return a side that steps `num_envs` dreams together; it counts decisions."""

    def play(watch: Stopwatch) -> float:
        with watch.paused():
            env = DreamVectorEnv(source, num_envs, bench.seed("dream"))
        return take_decisions(env, vector_steps, watch, bench.config.seed)

    return play


def _learning(bench: Bench) -> Side:
    """Return a side in which PPO learns in the dreams; its first update is not counted."""
    source, settings = dream_source(bench), bench.config.dream

    def learn(watch: Stopwatch) -> float:
        with watch.paused():
            dreams = DreamVectorEnv(source, settings.num_envs, bench.seed("dream"))
            env, arguments = VectorEnvAdapter(dreams), settings.settings
            model = PPO("MlpPolicy", env, seed=bench.seed("ppo"), device=bench.device, **arguments)
            update = model.n_steps * settings.num_envs
            model.learn(update)
        model.learn(settings.updates * update, reset_num_timesteps=False)
        watch.stop()
        env.close()
        return settings.updates * update

    return learn


def _single(bench: Bench, source: DreamSource) -> Side:
    """Return a side that steps as many dreams one after the other."""
    settings = bench.config.dream
    steps = max(1, settings.vector_steps // 10)

    def play(watch: Stopwatch) -> float:
        with watch.paused():
            envs: list[gym.Env[Any, Any]] = [DreamEnv(source) for _ in range(settings.num_envs)]
            for index, env in enumerate(envs):
                env.action_space.seed(bench.config.seed + index)
                env.reset(seed=bench.seed("dream") + index)
        for _ in range(steps):
            for env in envs:
                _, _, terminated, truncated, _ = env.step(env.action_space.sample())
                if terminated or truncated:
                    env.reset()
        return steps * settings.num_envs

    return play


def _reality(bench: Bench) -> Side:
    """Return a side that steps the real environment as an agent with memory observes it."""
    env, settings = bench.config.car_racing, bench.config.latent_env
    encoder, dynamics = encoder_of(bench), dynamics_of(bench)

    def play(watch: Stopwatch) -> float:
        with watch.paused():
            vec = make_vec(env, settings.num_envs, bench.seed("dream"))
            observed = LatentVectorObservation(vec, encoder, dynamics=dynamics)
        return take_decisions(observed, settings.vector_steps, watch, bench.config.seed)

    return play
