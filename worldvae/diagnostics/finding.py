"""What a check finds: conclusions with their advice, from rules over what it has measured."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Literal, TypeVar, get_args

from pydantic import Field

from worldvae.json_files import Content

Severity = Literal["unfit", "doubtful", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The gravest first."""

E = TypeVar("E")


class Finding(Content):
    """One conclusion: a sentence with its numbers, and advice."""

    severity: Severity
    name: str = Field(description="Of the rule.")
    found: str = Field(description="One sentence with its numbers.")
    advice: str = Field(description="One sentence that names config keys.")


def apply(rules: Iterable[Callable[[E], Finding | None]], evidence: E) -> tuple[Finding, ...]:
    """Return what the `rules` find in the evidence, in their order."""
    found = (rule(evidence) for rule in rules)
    return tuple(finding for finding in found if finding)


def gravest_first(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Return the findings in the order of their severity, those of one severity as they were."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def gravest(findings: Iterable[Finding]) -> Literal["unfit", "doubtful"] | None:
    """Return the greatest severity; None if there are notes only, which are no fault."""
    severities = {finding.severity for finding in findings}
    if "unfit" in severities:
        return "unfit"
    return "doubtful" if "doubtful" in severities else None


def in_lines(findings: Sequence[Finding]) -> list[str]:
    """Return two lines of text for each finding: what was found, and the advice."""
    pairs = ((f"- {one.severity}: {one.found}", f"  {one.advice}") for one in findings)
    return [line for pair in pairs for line in pair]
