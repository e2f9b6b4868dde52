"""Make whatever is missing and compare the arms: python -m scripts.compare CONFIG"""

from __future__ import annotations

import sys

from agents.compare import compare
from scripts.cli import Parser, run


def main() -> None:
    parser = Parser(__doc__)
    parser.shorten("compare.workers", "workers")
    parser.shorten("compare.executor", "executor")
    _, experiment = parser.parse()
    is_complete = compare(experiment)
    if not is_complete:
        sys.exit(1)


if __name__ == "__main__":
    run(main)
