"""Writes episodes, evaluations, checkpoints and a progress bar while an agent trains."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from stable_baselines3.common.callbacks import BaseCallback

from agents.arms.observers import StateObserver
from agents.policy.agent import Agent
from agents.policy.checkpoint import save_agent
from agents.policy.evaluate import Score
from agents.policy.normalization import normalization_of
from agents.policy.resources import Meter, PeakMemory
from agents.run.agent_card import AgentCard
from agents.run.agent_files import EPISODES, EVALUATIONS, count_logs
from worldvae.files import append_jsonl
from worldvae.progress import ProgressBar


class TrainingCallback(BaseCallback):
    """Logs into `folder`, counts only training time, and saves checkpoints.

    Args:
        card: The agent at the start, or at its last checkpoint.
        total: Environment steps of the whole training.
        every: Environment steps between evaluations, and between checkpoints.
        measure: Evaluates the agent in its present state.
        memory: Measures the memory of the process.
    """

    def __init__(
        self,
        folder: Path,
        agent: Agent,
        card: AgentCard,
        total: int,
        every: tuple[int, int],
        measure: Callable[[Agent], list[Score]],
        memory: PeakMemory,
    ) -> None:
        super().__init__()
        self.card = card
        self._folder, self._agent, self._measure, self._memory = folder, agent, measure, memory
        self._evaluation, self._checkpoint = (Pace(step, card.env_steps) for step in every)
        self._meter = Meter(card.seconds, card.cpu_seconds, card.evaluation_seconds)
        name = f"{card.arm} seed {card.seed}"
        self._bar = ProgressBar(name, total, "steps", done=card.env_steps)

    def checkpoint(self) -> AgentCard:
        """Save the agent; a resumed training continues from here."""
        self.card = save_agent(self._folder, self._agent.model, self._current_card())
        return self.card

    def _on_step(self) -> bool:
        for info in self.locals["infos"]:
            if "episode" in info:
                row = {"return": float(info["episode"]["r"]), "length": int(info["episode"]["l"])}
                append_jsonl(self._folder / EPISODES, {**self._now(), **row})
                self._bar.note(f"return={row['return']:.0f}")
        return True

    def _on_rollout_start(self) -> None:
        # After an update and before the next: the newest agent, and nothing half done.
        self._bar.reach(self._env_steps)
        if self._evaluation.is_due(self._env_steps):
            self._evaluate()
        if self._checkpoint.is_due(self._env_steps):
            self.checkpoint()

    def _on_training_end(self) -> None:
        self._bar.reach(self._env_steps)
        self._bar.close()

    def _evaluate(self) -> None:
        now = {**self._now(), "cpu_seconds": self._meter.cpu_seconds}
        with self._meter.evaluating():
            scores = self._measure(self._agent)
        returns = [score.return_ for score in scores]
        lengths = [score.length for score in scores]
        spent = {
            name: getattr(self.card, name) for name in ("refresh_env_steps", "refresh_seconds")
        }
        row = {**now, **spent, "returns": returns, "lengths": lengths}
        append_jsonl(self._folder / EVALUATIONS, row)

    @property
    def _env_steps(self) -> int:
        return int(self.num_timesteps * self.card.env.action_repeat)

    def _now(self) -> dict[str, float]:
        return {"env_steps": self._env_steps, "seconds": self._meter.seconds}

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
        passed, self._passed = self._passed, now // self._every
        return self._passed > passed
