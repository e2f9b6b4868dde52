"""Make whatever is missing and compare the arms: python -m scripts.compare CONFIG"""

from __future__ import annotations

import sys

from scripts.cli import Parser, run
from worldvae.errors import ConfigError


def main() -> None:
    parser = Parser(__doc__, scope="all")
    parser.shorten("compare.workers", "workers")
    parser.shorten("compare.executor", "executor")
    parser.add_argument(
        "--report", action="store_true", help="train nothing: report what has finished so far"
    )
    options, experiment = parser.parse()
    if parser.names_seed and experiment.compare.encoder_per_seed:
        raise ConfigError("compare.seeds replaces --seed here; set --compare.seeds in place of it")
    from agents.compare import compare, report_finished

    if options.report:
        report_finished(experiment)
    elif not compare(experiment):
        sys.exit(1)


if __name__ == "__main__":
    run(main)
