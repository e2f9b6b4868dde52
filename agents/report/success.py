"""How a comparison knows which episodes reached their goal."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from agents.run.agent_result import AgentResult
from agents.run.records import Run


@dataclass(frozen=True)
class SuccessRule:
    """What success is, for all agents of a comparison alike."""

    is_reported: bool
    """Whether the environment reports success. Many do so of success alone: of an agent that never
    succeeds nothing is reported."""
    least: float | None
    """Else, the return above which an episode has succeeded; None if none was stated."""

    @classmethod
    def of(cls, *runs: Run) -> SuccessRule:
        """Return the rule of `runs`, which are of one environment.

        Returns that differ in `compare.success_return` are no rule for all of them.
        """
        results = [result for run in runs for result in run.results]
        stated = {run.compare.success_return for run in runs}
        return cls(
            is_reported=any(result.evaluation.success_rate is not None for result in results),
            least=stated.pop() if len(stated) == 1 else None,
        )

    @property
    def is_known(self) -> bool:
        """Whether each agent has a success rate."""
        return self.is_reported or self.least is not None

    def rates(self, *results: AgentResult) -> tuple[float, ...]:
        """Return the share of successful episodes of each agent; none if that is not known."""
        if self.is_reported:
            return tuple(result.evaluation.success_rate or 0.0 for result in results)
        if self.least is None:
            return ()
        return tuple(float(np.mean(np.array(r.evaluation.returns) > self.least)) for r in results)
