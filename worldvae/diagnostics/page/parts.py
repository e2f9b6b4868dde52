"""Parts that the pages of both checks have: what was found, and what it took."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from worldvae import html
from worldvae.diagnostics.finding import Finding

LONG = 0.05
"""Seconds below which the time of a part is not listed."""


def findings(found: Sequence[Finding]) -> str:
    """Return the section of all findings with their advice."""
    if not found:
        text = "No rule found anything amiss, and there is nothing to note."
        return html.section("findings", "Findings", html.paragraph(text))
    items = ((one.severity, one.found, one.advice) for one in found)
    return html.section("findings", "Findings", html.judged(items))


def times(seconds: Mapping[str, float]) -> str:
    """Return the sum of the seconds of all parts of a check, and those of the long ones."""
    parts = sorted(seconds.items(), key=lambda part: -part[1])
    each = ", ".join(f"{name} {taken:.1f}" for name, taken in parts if taken >= LONG)
    return f"{sum(seconds.values()):,.1f}{f': {each}' if each else ''}"
