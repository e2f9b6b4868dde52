"""Numbers as the gap report writes them."""

from __future__ import annotations

from agents.gap.gap_file import Agreement, GapReport, Measured, Trust
from worldvae import wording
from worldvae.stats import Array

SAYS: dict[Trust, str] = {
    "ranks": "The dream ranks policies as reality does",
    "doubtful": "Doubtful",
    "misleads": "The dream misleads",
    "inconclusive": "Inconclusive",
}
"""Each verdict in words."""

SMALLEST_SIZE = 1e-9
"""Sizes below are what rounding may have made of 0."""


def headline(report: GapReport) -> str:
    """Return the verdict and the numbers behind it, in a line."""
    found = report.returns
    return (
        f"{SAYS[report.verdict]}. Spearman {ranks_alike(found)} over "
        f"{len(report.policies)} policies; the dream is off by "
        f"{with_interval(found.absolute_error)} a policy (a true one, by noise, "
        f"{number(found.error_of_noise)}), and the policy that it would choose lacks "
        f"{number(found.regret.value)} to the best."
    )


def with_interval(found: Measured, digits: int | None = None) -> str:
    """Return a number with its interval, such as "26 (95 %: 18 to 37)"."""
    value, low, high = parts(found, digits)
    return f"{value} (95 %: {low} to {high})"


def parts(found: Measured, digits: int | None = None) -> tuple[str, str, str]:
    """Return a number and the ends of its interval as text, all with as many digits."""
    three = found.value, found.low, found.high
    digits = _digits(*three) if digits is None else digits
    value, low, high = (number(one, digits) for one in three)
    return value, low, high


def number(value: float, digits: int | None = None) -> str:
    """Return a number as text, of about three digits unless `digits` after the point are asked."""
    return wording.number(value, _digits(value) if digits is None else digits)


def _digits(*values: float) -> int:
    """Return how many digits after the point show about three of the largest of `values`."""
    size = max(map(abs, values))  # as it will be read: 99.97 is 100, and 9.997 is 10.0
    if SMALLEST_SIZE < size < 0.1:
        return wording.places([size])
    return 0 if round(size, 1) >= 100 else 1 if round(size, 2) >= 10 else 2


def ranks_alike(found: Agreement) -> str:
    """Return Spearman's correlation with its interval, or why there is none."""
    reason = unranked(found)
    return f"n/a ({reason})" if reason else with_interval(found.spearman, 2)


def unranked(found: Agreement) -> str:
    """Return why policies have no ranks that could be correlated; empty where they have.

    Such a correlation is kept as 0 in each resample.
    """
    ranks = found.spearman
    if ranks.low or ranks.value or ranks.high:
        return ""
    return f"in {'the dream' if found.spread > SMALLEST_SIZE else 'reality'} all are equal"


def span(values: Array) -> str:
    """Return the least and the greatest value, such as "35 to 67"."""
    low, high = f"{values.min():.0f}", f"{values.max():.0f}"
    return low if low == high else f"{low} to {high}"


def capitalised(text: str) -> str:
    """Return `text` with a large first letter, and the others as they are."""
    return text[0].upper() + text[1:]
