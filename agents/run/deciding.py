"""Which sections of a configuration decide an agent, for all who compare two of them."""

from __future__ import annotations

from agents.arms.registry import ARMS

DECIDES = (
    *("seed", "env", "rollouts", "pretrain", "encoder", "dynamics", "dream"),
    *("agent", "evaluation", "drift"),
)
"""The sections of the configuration that are recorded with an agent."""


def deciding(arm: str) -> tuple[str, ...]:
    """Return the sections that determine an agent of `arm` and its score.

    Those of what it does not use can be changed without it. All sections count for an arm that is
    not known here.
    """
    if arm not in ARMS:
        return DECIDES
    row = ARMS[arm]
    used = {
        "rollouts": row.encoder is not None,
        "pretrain": row.encoder is not None,
        "encoder": row.encoder is not None,
        "drift": row.freezes_encoder,
        "dynamics": row.has_memory,
        "dream": row.trains_in_dream,
    }
    return tuple(section for section in DECIDES if used.get(section, True))
