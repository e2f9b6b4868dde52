"""Parts that the pages of all checks have: the verdict, what was found, how it was measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from worldvae import html
from worldvae.diagnostics.finding import Finding
from worldvae.yaml_values import dump_yaml

LONG = 0.05
"""Seconds below which the time of a part is not listed."""


def verdict(mark: str, grounds: str, meaning: str) -> str:
    """Return the box of the verdict: what it rests on, and what it means; `mark` is its look."""
    blocks = html.paragraph(grounds), html.paragraph(meaning)
    return html.box(f"verdict {mark}", "verdict", "Verdict", *blocks)


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


def measured(
    *blocks: str,
    command: str,
    versions: Mapping[str, str],
    objective: Mapping[str, Any] | None = None,
) -> str:
    """Return the section on how a check was made: `blocks`, and what it takes to do it again.

    `objective` holds the settings that were trained for, if a check judges a training.
    """
    listed = "\n".join(f"{name} {version}" for name, version in versions.items())
    details = {"The command, to do it again": command}
    if objective is not None:
        details["The objective, every default written out"] = dump_yaml(objective).rstrip()
    details["Versions"] = listed
    folded = (html.details(title, html.code(text)) for title, text in details.items())
    return html.section("measured", "How it was measured", *blocks, *folded)


def again(command: str | None, alone: str) -> str:
    """Return the Python that makes the check `alone`, after the command that it was part of."""
    if command is None:
        return alone
    return f"# it was part of\n{command}\n\n# the check alone, in Python\n{alone}"
