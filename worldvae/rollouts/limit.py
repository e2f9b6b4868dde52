"""After how many decisions an environment truncates by itself, as its episodes show."""

from __future__ import annotations

from collections.abc import Iterable

from worldvae.rollouts.manifest import Record

LEAST_TRUNCATED = 3
"""Fewer episodes that are truncated after as many decisions may be so by chance."""


def shown_limit(records: Iterable[Record], give_up_after: int | None) -> int | None:
    """Return the decisions after which the environment truncates; None if nothing shows any.

    A limit that an environment keeps in its own `step` is told nowhere else. It shows where all
    episodes that the environment truncated are equally long, and none is longer. `give_up_after`
    truncates in the environment's place, so that nothing shows where it is set.
    """
    known = list(records)
    truncated = [one.length for one in known if not (one.terminated or one.cut)]
    if give_up_after is not None or len(truncated) < LEAST_TRUNCATED:
        return None
    longest = max(one.length for one in known)
    return longest if set(truncated) == {longest} else None
