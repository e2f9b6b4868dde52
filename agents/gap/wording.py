"""Numbers as the gap report writes them."""

from __future__ import annotations

from agents.gap.gap_file import GapReport, Measured, Trust
from worldvae import wording
from worldvae.stats import Array

SAYS: dict[Trust, str] = {
    "ranks": "The dream ranks policies as reality does",
    "doubtful": "Doubtful",
    "misleads": "The dream misleads",
    "inconclusive": "Inconclusive",
}
"""Each verdict in words."""


def headline(report: GapReport) -> str:
    """Return the verdict and the numbers behind it, in a line."""
    found = report.returns
    return (
        f"{SAYS[report.verdict]}. Spearman {with_interval(found.spearman, 2)} over "
        f"{len(report.policies)} policies; the dream is off by "
        f"{with_interval(found.absolute_error)} a policy, and the policy that it would choose "
        f"lacks {number(found.regret.value)} to the best."
    )


def with_interval(found: Measured, digits: int | None = None) -> str:
    """Return a number with its interval, such as "26 (95 %: 18 to 37)"."""
    value, low, high = (number(one, digits) for one in (found.value, found.low, found.high))
    return f"{value} (95 %: {low} to {high})"


def number(value: float, digits: int | None = None) -> str:
    """Return a number as text, of about three digits unless `digits` after the point are asked."""
    if digits is None:
        size = abs(value)  # as it will be read: 99.97 is 100, and 9.997 is 10.0
        digits = 0 if round(size, 1) >= 100 else 1 if round(size, 2) >= 10 else 2
    return wording.number(value, digits)


def span(values: Array) -> str:
    """Return the least and the greatest value, such as "35 to 67"."""
    low, high = f"{values.min():.0f}", f"{values.max():.0f}"
    return low if low == high else f"{low} to {high}"


def capitalised(text: str) -> str:
    """Return `text` with a large first letter, and the others as they are."""
    return text[0].upper() + text[1:]
