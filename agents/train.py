"""Trains one agent, an arm with a seed; an interrupted training resumes from its checkpoint."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path

from stable_baselines3.common.base_class import BaseAlgorithm
from stable_baselines3.common.callbacks import CallbackList
from stable_baselines3.common.off_policy_algorithm import OffPolicyAlgorithm
from stable_baselines3.common.vec_env import VecNormalize

from agents.agent_task import AgentTask, resume_or_begin
from agents.arms.build import ArmSetup, open_training
from agents.config.algorithm_arguments import library_errors
from agents.config.experiment import SETTINGS, Experiment, check_settings, record_settings
from agents.dream.promise import promised_returns
from agents.dream.rounds import end_of_round, is_round_over, next_round
from agents.drift.task import must_refit, refit_drifted, watch
from agents.policy.agent import Agent
from agents.policy.algorithms import make_model
from agents.policy.callback import TrainingCallback
from agents.policy.checkpoint import drop_others, drop_replay, load_model, load_replay
from agents.policy.evaluate import Promised, Score, evaluate
from agents.policy.normalization import restore_normalization, saved_units
from agents.policy.replay import replay_arguments
from agents.policy.resources import PeakMemory
from agents.policy.training_log import open_log
from agents.run.agent_card import AGENT_CARD, AgentCard
from agents.run.agent_files import LOGS, VIDEO, check_counts, hash_files, is_finished
from agents.run.agent_result import RESULT, AgentResult, FinalEvaluation
from agents.run.command import exact_command
from agents.run.deciding import DECIDES, deciding
from agents.run.declared import declare
from agents.run.sharing import check_sharing
from agents.video.film import record_video
from worldvae.envs.own_code import own_code
from worldvae.envs.world import RealWorld
from worldvae.errors import WorldvaeError
from worldvae.locks import locked
from worldvae.machine import usable_cores
from worldvae.seeding import derive
from worldvae.versions import library_versions

RECORDED = (
    *("arm", "algorithm", "seed", "env_steps", "dreamed_steps"),
    *("seconds", "cpu_seconds", "peak_memory"),
    *("refreshes", "refresh_env_steps", "refresh_seconds", "refresh_cpu_seconds"),
)
"""The fields of the card that the result copies."""


def train(experiment: Experiment, arm: str, seed: int, command: str | None = None) -> Path:
    """Train, evaluate and film the agent of `arm` and `seed`; return its folder.

    A folder with an intact `result.json` is finished and remains unchanged; any other training
    resumes from its checkpoint. The result names `command` as its origin, by default this
    process's.
    """
    check_sharing(experiment)
    of_seed = experiment.of_seed(seed)
    task = AgentTask.of(of_seed, arm, seed, command or exact_command())
    declare(experiment.folder, experiment.compare)
    return carry_out(of_seed, task)


def carry_out(experiment: Experiment, task: AgentTask) -> Path:
    """Train the agent of `task`, which was resolved from `experiment`, as `train` does."""
    folder, sections = task.folder, deciding(task.setup.arm.name)
    check_settings(folder, experiment, sections)
    if is_finished(folder):
        return folder
    with locked(folder, "training", alone=True):
        check_settings(folder, experiment, sections)
        if not is_finished(folder):  # another may have finished it meanwhile
            with _claimed(folder):
                record_settings(folder, experiment, DECIDES)
                _train(task)
    return folder


def advise_cores(num_envs: int, cores: int) -> str:
    """Return a line for a machine with at least twice as many cores as environments, else "".

    The number of environments decides what an agent learns, so it is not changed behind the user's
    back: the same configuration gives the same agent on every machine.
    """
    more = cores // num_envs * num_envs
    if more <= num_envs:
        return ""
    return (
        f"{num_envs} environments on {cores} cores leave {cores - num_envs} of them idle; "
        f"agent.num_envs: {more} uses them, for an agent that learns from {more} at once"
    )


@contextmanager
def _claimed(folder: Path) -> Iterator[None]:
    """Let other settings have the folder if these were refused before there was a checkpoint."""
    try:
        yield
    except WorldvaeError:
        if not AGENT_CARD.exists(folder):
            (folder / SETTINGS).unlink(missing_ok=True)
        raise


def _train(task: AgentTask) -> None:
    advice = advise_cores(task.setup.agent.num_envs, usable_cores())
    if advice and not task.setup.arm.trains_in_dream:
        print(advice, flush=True)
    task.rounds.check_budget(task.setup.arm)
    code = own_code(task.setup.env)  # before training, while which its files may change
    card = resume_or_begin(task)
    drop_others(task.folder, card)
    while True:
        _truncate_logs(task.folder, card)
        if task.remaining(card) and must_refit(task.drift, task.setup.arm, card):
            card = refit_drifted(task.drift, card)
        elif is_round_over(task.rounds, task.setup.arm, card):
            card = next_round(task.rounds, task.setup.arm, card)
        agent, card = _continue(task, card)
        if not task.remaining(card):
            break
    _finish(task, agent, card, code)


def _continue(task: AgentTask, card: AgentCard) -> tuple[Agent, AgentCard]:
    """Train from the last checkpoint to the end, or until something has to be refitted."""
    stream = derive(card.seed, "train", card.trained_steps)
    setup = task.setup_now(card)
    training = open_training(setup, stream, saved_units(card))
    with closing(training.env):
        model = _load_or_make(task.folder, setup, card, training.env, stream)
        with open_log(task.folder / "log" / f"from_{card.trained_steps}") as logger:
            model.set_logger(logger)
            observer, key = training.observer(setup.arm), setup.env.image_key
            agent = Agent(model, setup.arm, observer, key, task.evaluation.deterministic)
            return agent, _learn(task, agent, card)


def measure(task: AgentTask, agent: Agent, episodes: int) -> list[Score]:
    """Evaluate `agent` on the first `episodes` evaluation seeds, with its own sampling noise."""
    settings = task.evaluation
    seeds = range(settings.seed, settings.seed + episodes)
    action_seed = derive(task.seed, "noise", task.setup.arm.name)
    return evaluate(agent, task.setup.evaluation_world, seeds, settings.num_envs, action_seed)


def _measure_both(task: AgentTask, agent: Agent, card: AgentCard) -> tuple[list[Score], Promised]:
    """Return the scores in reality during training, and what as many dreams promise."""
    settings = task.evaluation
    episodes = settings.episodes_during_training
    seeds = range(settings.seed, settings.seed + episodes)
    action_seed = derive(task.seed, "promise", task.setup.arm.name)
    promised = promised_returns(task.setup_now(card), agent, seeds, settings.num_envs, action_seed)
    return measure(task, agent, episodes), promised


def _truncate_logs(folder: Path, card: AgentCard) -> None:
    """Drop the log lines after the checkpoint, because the resumed training writes them again.

    A warning names a log that lacks earlier lines.
    """
    for log in LOGS:
        lines = log.read(folder)
        kept = [line for line in lines if line.trained_steps <= card.trained_steps]
        try:
            check_counts(folder, log.name, len(kept), card.logged)
        except WorldvaeError as error:  # what is gone does not end a training of hours
            warnings.warn(str(error), stacklevel=2)
        if len(kept) < len(lines):
            log.write(folder, kept)


def _load_or_make(
    folder: Path, setup: ArmSetup, card: AgentCard, env: VecNormalize, seed: int
) -> BaseAlgorithm:
    if not card.model:
        return make_model(setup.agent, env, seed, setup.device, setup.policy_arguments())
    replay = replay_arguments(setup.agent, env.observation_space)
    model = load_model(folder, card, setup.device, env=env, **replay)
    load_replay(folder, card, model)
    if isinstance(model, OffPolicyAlgorithm) and not card.replay:  # in a new round, or at the end
        model.learning_starts = model.num_timesteps + setup.agent.arguments["learning_starts"]
    model.set_random_seed(seed)
    restore_normalization(env, card)
    return model


def _learn(task: AgentTask, agent: Agent, card: AgentCard) -> AgentCard:
    remaining, config = task.remaining(card), task.setup.agent
    if not remaining:
        return card
    with PeakMemory(card.peak_memory) as memory:
        progress = TrainingCallback(
            task.folder,
            agent,
            card,
            total=config.env_steps,
            every=(task.evaluation.pace(agent.arm.trains_in_dream), config.checkpoint_every),
            measure=lambda agent: _measure_both(task, agent, card),
            memory=memory,
        )
        # What the first logs at a step, the second's checkpoint of that step includes.
        stops = [*watch(task.drift, agent, card), *end_of_round(task.rounds, agent.arm, card)]
        callbacks = CallbackList([*stops, progress])
        with library_errors(card.algorithm):
            agent.model.learn(remaining, callback=callbacks, reset_num_timesteps=False)
        return progress.checkpoint()


def _finish(task: AgentTask, agent: Agent, card: AgentCard, code: Mapping[str, str]) -> None:
    """Evaluate and film the agent, then write the result, which marks it as finished.

    Its replay buffer goes before that, for a finished agent is not written to any more. `code` is
    that of the environment, see `own_code`.
    """
    settings, env = task.evaluation, task.setup.env
    agent.deterministic = settings.deterministic
    start = time.perf_counter()
    scores = measure(task, agent, settings.episodes)
    agent.deterministic = not settings.deterministic
    others = measure(task, agent, settings.episodes_otherwise)
    agent.deterministic = settings.deterministic
    evaluation_seconds = card.evaluation_seconds + time.perf_counter() - start
    try:
        record_video(agent, RealWorld(env.as_evaluated()), settings.seed, task.folder / VIDEO)
    except WorldvaeError as error:  # a score is worth more than its film
        warnings.warn(f"no video: {error}", stacklevel=2)
    result = AgentResult(
        **{name: getattr(card, name) for name in RECORDED},
        evaluation_seconds=evaluation_seconds,
        parameters_trained=sum(weight.numel() for weight in agent.model.policy.parameters()),
        parameters_frozen=agent.frozen_parameters,
        command=task.command,
        versions={**library_versions(), **code},
        evaluation=_final_evaluation(env.id, scores, settings.deterministic),
        otherwise=_final_evaluation(env.id, others, not settings.deterministic) if others else None,
        files=hash_files(task.folder),
    )
    drop_replay(task.folder, card)
    RESULT.write(task.folder, result)


def _final_evaluation(env_id: str, scores: list[Score], deterministic: bool) -> FinalEvaluation:
    return FinalEvaluation(
        env_id=env_id,
        deterministic=deterministic,
        seeds=tuple(score.seed for score in scores),
        returns=tuple(score.return_ for score in scores),
        lengths=tuple(score.length for score in scores),
        successes=tuple(score.success for score in scores),
    )
