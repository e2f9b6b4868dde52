"""The limit of steps that an environment keeps by itself, as its episodes show it."""

from __future__ import annotations

from collections.abc import Iterable

from worldvae.rollouts.manifest import Record

LEAST_TRUNCATED = 3
"""Fewer episodes that are truncated after as many decisions may be so by chance."""

SHARE_OF_ENDS = 0.2
"""Of all that are terminated, those that are so after as many decisions, before it looks meant."""


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


def ending_limit(records: Iterable[Record]) -> int | None:
    """Return the decisions at which a limit seems to terminate episodes; None if none seems to.

    It seems so where many episodes are terminated after as many decisions and none is longer: how
    late it is decides then, which a frame hardly shows.
    """
    lengths = [(one.length, one.terminated) for one in records]
    longest = max((length for length, _ in lengths), default=0)
    ended = [length for length, terminated in lengths if terminated]
    late = ended.count(longest)
    return longest if late >= max(LEAST_TRUNCATED, SHARE_OF_ENDS * len(ended)) else None
