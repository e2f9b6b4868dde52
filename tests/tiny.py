"""The smallest experiment that has every part."""

from pathlib import Path
from typing import Any

from agents.config.experiment import Experiment

TINY = Path(__file__).parent / "tiny.yaml"


def load(runs: Path, **overrides: Any) -> Experiment:
    """tests/tiny.yaml with its runs in `runs`; overrides are dotted keys."""
    return Experiment.load(TINY, {"runs": str(runs), **overrides})
