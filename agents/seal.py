"""A seal on a JSON file: whoever edits a figure by hand is found out, by mistake or not.

It guards against slips and not against forgery: who knows the rule can seal anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

SEAL = "sha256"


def sealed(values: Mapping[str, Any]) -> dict[str, Any]:
    """`values` and the hash of all of them."""
    return {**values, SEAL: _digest(values)}


def is_broken(values: Mapping[str, Any]) -> bool:
    """Whether `values` were changed since they were sealed; without a seal nobody can tell."""
    return SEAL in values and values[SEAL] != _digest(values)


def _digest(values: Mapping[str, Any]) -> str:
    content = {key: value for key, value in values.items() if key != SEAL}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
