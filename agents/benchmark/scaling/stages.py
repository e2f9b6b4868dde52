"""The stages whose growth is measured, by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

from agents.benchmark.bench import Bench
from agents.benchmark.scaling.collection import collection_curves
from agents.benchmark.scaling.curve import ScalingCurve
from agents.benchmark.scaling.dream import dream_curves
from agents.benchmark.scaling.dynamics import dynamics_curves
from agents.benchmark.scaling.encoding import encoding_curves
from agents.benchmark.scaling.pretraining import pretraining_curves
from agents.benchmark.scaling.report import report_curves
from agents.benchmark.scaling.store import store_curves

STAGES: Mapping[str, Callable[[Bench], list[ScalingCurve]]] = MappingProxyType(
    {
        "collection": collection_curves,
        "store": store_curves,
        "pretraining": pretraining_curves,
        "encoding": encoding_curves,
        "dynamics": dynamics_curves,
        "dream": dream_curves,
        "report": report_curves,
    }
)
"""Stage -> what measures its curves, in the order of a comparison."""
