"""Writes episodes, evaluations, checkpoints and a progress bar while an agent trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from stable_baselines3.common.callbacks import BaseCallback

from agents.arms.observers import StateObserver
from agents.policy.agent import Agent
from agents.policy.checkpoint import save_agent
from agents.policy.evaluate import Promised, Score
from agents.policy.normalization import normalization_of
from agents.policy.resources import Meter, PeakMemory
from agents.run.agent_card import AgentCard
from agents.run.agent_files import count_logs
from agents.run.agent_result import EPISODES, EVALUATIONS, Evaluation, TrainingEpisode
from worldvae.progress import ProgressBar


class TrainingCallback(BaseCallback):
    """Logs into `folder`, counts only training time, and saves checkpoints.

    Args:
        card: The agent at the start, or at its last checkpoint.
        total: Environment steps of the whole training, real or dreamed.
        every: Environment steps between evaluations, and between checkpoints.
        measure: Evaluates the agent in its present state; also returns what its dream promises it
            then, no returns if it has none.
        memory: Measures the memory of the process.
    """

    def __init__(
        self,
        folder: Path,
        agent: Agent,
        card: AgentCard,
        total: int,
        every: tuple[int, int],
        measure: Callable[[Agent], tuple[list[Score], Promised]],
        memory: PeakMemory,
    ) -> None:
        super().__init__()
        self.card = card
        self._folder, self._agent, self._measure, self._memory = folder, agent, measure, memory
        self._evaluation, self._checkpoint = (Pace(step, card.trained_steps) for step in every)
        self._meter = Meter(card.seconds, card.cpu_seconds, card.evaluation_seconds)
        name = f"{card.arm} seed {card.seed}"
        self._bar = ProgressBar(name, total, "steps", done=card.trained_steps)

    def checkpoint(self) -> AgentCard:
        """Save the agent; a resumed training continues from here."""
        self.card = save_agent(self._folder, self._agent.model, self._current_card())
        return self.card

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                total, length = float(info["episode"]["r"]), int(info["episode"]["l"])
                line = TrainingEpisode(**self._now(), total=total, length=length)
                EPISODES.append(self._folder, line)
                self._bar.note(f"return={total:z.4g}")
        return True

    def _on_rollout_start(self) -> None:
        # Between two updates, so that the agent is the newest and no rollout is half done.
        self._bar.reach(self._trained_steps)
        if self._evaluation.is_due(self._trained_steps):
            self._evaluate()
        if self._checkpoint.is_due(self._trained_steps):
            self.checkpoint()

    def _on_training_end(self) -> None:
        self._bar.reach(self._trained_steps)
        self._bar.close()

    def _evaluate(self) -> None:
        now = {**self._now(), "cpu_seconds": self._meter.cpu_seconds}
        with self._meter.evaluating():
            scores, promised = self._measure(self._agent)
        line = Evaluation(
            **now,
            refresh_env_steps=self.card.refresh_env_steps,
            refresh_seconds=self.card.refresh_seconds,
            returns=tuple(score.return_ for score in scores),
            lengths=tuple(score.length for score in scores),
            promised=promised.returns,
            promised_starts=promised.starts,
        )
        EVALUATIONS.append(self._folder, line)

    @property
    def _trained_steps(self) -> int:
        return int(self.num_timesteps * self.card.env.action_repeat)

    def _now(self) -> dict[str, Any]:
        """Return the steps and seconds of training so far; dreamed steps cost no real ones."""
        is_dream, steps = self._agent.arm.trains_in_dream, self._trained_steps
        counted = {"env_steps": 0, "dreamed_steps": steps} if is_dream else {"env_steps": steps}
        return {**counted, "seconds": self._meter.seconds}

    def _current_card(self) -> AgentCard:
        observer = self._agent.observer
        units = observer.units if isinstance(observer, StateObserver) else None
        normalization = normalization_of(self.model.get_vec_normalize_env(), units)
        costs = {
            "cpu_seconds": self._meter.cpu_seconds,
            "evaluation_seconds": self._meter.evaluation_seconds,
            "peak_memory": self._memory.bytes,
        }
        update = {**self._now(), **costs, **normalization, "logged": count_logs(self._folder)}
        return self.card.model_copy(update=update)


class Pace:
    """Reports each multiple of `every` once, when it is passed."""

    def __init__(self, every: int, now: int) -> None:
        self._every = every
        self._passed = now // every

    def is_due(self, now: int) -> bool:
        """Return whether a multiple of `every` was passed since the last call."""
        passed, self._passed = self._passed, now // self._every
        return self._passed > passed
