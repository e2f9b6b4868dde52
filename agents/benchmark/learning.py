"""The rows of PPO's whole loop: on latents against pixels, and against the bare simulator."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.vec_env import VecEnv

from agents.arms.build import open_training, set_up
from agents.arms.registry import PIXELS, UNTRAINED, Arm
from agents.benchmark.bare import opened, take
from agents.benchmark.bench import Bench
from agents.benchmark.collection import every_step
from agents.benchmark.config import PPORows
from agents.benchmark.limits import OTHER_SIDE
from agents.benchmark.measure import Comparison, Contest, Side, Stopwatch
from agents.benchmark.rows import Row, Unit
from agents.config.agent import AgentConfig
from agents.policy.algorithms import make_model
from agents.prepare import prepare_untrained_encoder
from worldvae.envs import EnvConfig

STEPS = Unit("env steps/s")
FIELD = "car_racing"
"""The settings of CarRacing, in `BenchmarkConfig`."""


def learning_rows() -> tuple[Row, ...]:
    """Return the rows of both games, each against PPO on pixels and against the bare simulator."""
    return (
        *_rows_of("pong", "Pong", 8.0),
        *_rows_of("car-racing", "CarRacing", 3.0),
    )


def _rows_of(name: str, game: str, target: float) -> tuple[Row, Row]:
    pixels, limit = (
        partial(compare, field=name.replace("-", "_"))
        for compare in (_against_pixels, _against_limit)
    )
    group, ours = "PPO, whole loop", f"{game}, PPO on latents"
    return (
        Row(
            f"ppo-{name}",
            group,
            ours,
            "the same PPO on pixels",
            STEPS,
            target,
            pixels,
            f"`ppo-{name}-limit`",
        ),
        Row(f"ppo-{name}-limit", group, ours, "the bare simulator", STEPS, 0.6, limit, OTHER_SIDE),
    )


def _against_pixels(bench: Bench, field: str) -> Comparison:
    sides = _learn(bench, field, UNTRAINED), _learn(bench, field, PIXELS)
    return bench.compare(Contest(*sides, warm_up=False))  # each turn has an uncounted update


def _against_limit(bench: Bench, field: str) -> Comparison:
    env, settings = _settings_of(bench, field)
    agent, num_envs = bench.config.agent_of(settings), settings.num_envs
    steps = settings.updates * _decisions(agent) * env.action_repeat

    def bare(watch: Stopwatch) -> float:
        with ExitStack() as stack:
            with watch.paused():  # making the environments is not counted for our side either
                envs = opened(every_step(env), num_envs, bench.seed("bare"))
                step = stack.enter_context(envs)
            taken = take(step, num_envs, steps)
            watch.stop()
        return taken

    return bench.compare(Contest(_learn(bench, field, UNTRAINED), bare, warm_up=False))


def _settings_of(bench: Bench, field: str) -> tuple[EnvConfig, PPORows]:
    """Return the environment of `field`, and its settings of PPO."""
    return getattr(bench.config, field), getattr(bench.config, f"ppo_{field}")


def _decisions(agent: AgentConfig) -> int:
    """Return the decisions between two updates."""
    return int(agent.arguments["n_steps"]) * agent.num_envs


def env_steps_of(bench: Bench, field: str) -> int:
    """Return the env steps of the updates that a round of `field` counts."""
    env, settings = _settings_of(bench, field)
    return settings.updates * _decisions(bench.config.agent_of(settings)) * env.action_repeat


@dataclass(frozen=True)
class Learning:
    """An agent that has made its first update, before which all episodes begin."""

    model: BaseAlgorithm
    vec: VecEnv
    decisions: int
    """The decisions of the updates that count."""

    def go_on(self) -> None:
        """Make the updates that count."""
        self.model.learn(self.decisions, reset_num_timesteps=False)

    def close(self) -> None:
        """Close the environments."""
        self.vec.close()


def begin_learning(bench: Bench, field: str, arm: Arm, index: int = 0) -> Learning:
    """Let an agent make its first update on what `arm` observes; `index` tells agents apart.

    The latents are those of an untrained encoder, which takes as long as a trained one.
    """
    env, settings = _settings_of(bench, field)
    agent = bench.config.agent_of(settings)
    update, seed = _decisions(agent), bench.seed("ppo", *([index] if index else []))
    experiment = bench.experiment(env, bench.config.lean_pretrain, agent)
    if arm is UNTRAINED:
        prepare_untrained_encoder(experiment)
    vec = open_training(set_up(experiment, arm.name), seed).env
    model = make_model(agent, vec, seed, bench.device)
    model.learn(update)
    return Learning(model, vec, settings.updates * update)


def _learn(bench: Bench, field: str, arm: Arm) -> Side:
    """Return a side that makes a few updates of PPO; what comes before them is not counted."""

    def side(watch: Stopwatch) -> float:
        with watch.paused():
            learning = begin_learning(bench, field, arm)
        learning.go_on()
        watch.stop()
        learning.close()
        return env_steps_of(bench, field)

    return side
