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
from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.limits import OTHER_SIDE
from agents.benchmark.measure import Comparison, Contest, Side, Stopwatch
from agents.benchmark.rows import Row, Unit
from agents.config.agent import AgentConfig
from agents.policy.algorithms import make_model
from agents.prepare import prepare_untrained_encoder
from worldvae.envs import EnvConfig

STEPS = Unit("env steps/s")


@dataclass(frozen=True)
class Game:
    """A game that PPO learns: its environment, and the settings of PPO on it."""

    env: EnvConfig
    agent: AgentConfig
    updates: int
    """The updates of the policy that a round counts."""

    @property
    def decisions(self) -> int:
        """The decisions between two updates."""
        return int(self.agent.arguments["n_steps"]) * self.agent.num_envs

    @property
    def env_steps(self) -> int:
        """The env steps of the updates that a round counts."""
        return self.updates * self.decisions * self.env.action_repeat


def pong(config: BenchmarkConfig) -> Game:
    """Return Pong with the settings of `ppo_pong`."""
    return Game(config.pong, config.agent_of(config.ppo_pong), config.ppo_pong.updates)


def car_racing(config: BenchmarkConfig) -> Game:
    """Return CarRacing with the settings of `ppo_car_racing`."""
    settings = config.ppo_car_racing
    return Game(config.car_racing, config.agent_of(settings), settings.updates)


def learning_rows(config: BenchmarkConfig) -> tuple[Row, ...]:
    """Return the rows of both games, each against PPO on pixels and against the bare simulator."""
    return (
        *_rows_of(pong(config), "pong", "Pong", 8.0),
        *_rows_of(car_racing(config), "car-racing", "CarRacing", 3.0),
    )


def _rows_of(game: Game, name: str, title: str, target: float) -> tuple[Row, Row]:
    pixels, limit = (partial(compare, game=game) for compare in (_against_pixels, _against_limit))
    group, ours = "PPO, whole loop", f"{title}, PPO on latents"
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


def _against_pixels(bench: Bench, game: Game) -> Comparison:
    sides = _learn(bench, game, UNTRAINED), _learn(bench, game, PIXELS)
    return bench.compare(Contest(*sides, warm_up=False))  # each turn has an uncounted update


def _against_limit(bench: Bench, game: Game) -> Comparison:
    sides = _learn(bench, game, UNTRAINED), _step_bare(bench, game)
    return bench.compare(Contest(*sides, warm_up=False))


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


def begin_learning(bench: Bench, game: Game, arm: Arm, index: int = 0) -> Learning:
    """Let an agent make its first update on what `arm` observes; `index` tells agents apart.

    The latents are those of an untrained encoder, which takes as long as a trained one.
    """
    seed = bench.seed("ppo", *([index] if index else []))
    experiment = bench.experiment(game.env, bench.config.lean_pretrain, game.agent)
    if arm is UNTRAINED:
        prepare_untrained_encoder(experiment)
    vec = open_training(set_up(experiment, arm.name), seed).env
    model = make_model(game.agent, vec, seed, bench.device)
    model.learn(game.decisions)
    return Learning(model, vec, game.updates * game.decisions)


def _learn(bench: Bench, game: Game, arm: Arm) -> Side:
    """Return a side that makes a few updates of PPO; what comes before them is not counted."""

    def side(watch: Stopwatch) -> float:
        with watch.paused():
            learning = begin_learning(bench, game, arm)
        learning.go_on()
        watch.stop()
        learning.close()
        return game.env_steps

    return side


def _step_bare(bench: Bench, game: Game) -> Side:
    """Return a side that takes as many env steps in the bare simulator."""
    num_envs = game.agent.num_envs

    def side(watch: Stopwatch) -> float:
        with ExitStack() as stack:
            with watch.paused():  # making the environments is not counted for our side either
                envs = opened(every_step(game.env), num_envs, bench.seed("bare"))
                step = stack.enter_context(envs)
            taken = take(step, num_envs, game.env_steps)
            watch.stop()
        return taken

    return side
