"""Rewards and ends on the episodes of each policy, one step ahead of the real past."""

from __future__ import annotations

from pydantic import Field

from worldvae.diagnostics.fidelity.metrics.bootstrap import Interval
from worldvae.diagnostics.fidelity.metrics.ends import EndCalibration
from worldvae.diagnostics.fidelity.metrics.reward import RewardCalibration
from worldvae.json_files import Content


class PolicyEvents(Content):
    """What is predicted of the decisions of one policy, and what came of them."""

    decisions: int = Field(description="Of all windows, so that some are counted several times.")
    ends: int = Field(description="Episodes of which the last of these decisions is one.")
    expected_ends: Interval = Field(description="Ends predicted / true ones, half an end added.")
    reward: float = Field(description="Mean true reward of a decision.")
    reward_bias: Interval = Field(description="Predicted less true reward.")

    @classmethod
    def of(cls, ends: EndCalibration, reward: RewardCalibration) -> PolicyEvents:
        """Keep of both what tells policies apart."""
        return cls(
            decisions=ends.decisions,
            ends=ends.ends,
            expected_ends=ends.expected,
            reward=reward.mean,
            reward_bias=reward.bias,
        )
