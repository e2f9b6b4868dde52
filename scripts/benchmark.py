"""Measure how fast worldvae is: python -m scripts.benchmark [--only NAME]"""

from __future__ import annotations

import sys
from pathlib import Path

from agents.benchmark.config import BenchmarkConfig
from scripts.cli import run
from scripts.options import OptionParser
from worldvae.config import load_config, parse_overrides


def main() -> None:
    parser = OptionParser(__doc__, BenchmarkConfig, "[--key value ...]")
    parser.add_argument(
        "--config", type=Path, default=Path("configs/benchmark.yaml"), help="YAML file of settings"
    )
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="a row, or several: A,B"
    )
    parser.add_argument(
        "--publish", type=Path, metavar="FILE", help="also put the table into this document"
    )
    options, rest = parser.parse_known_args()
    config = load_config(BenchmarkConfig, options.config, parse_overrides(rest, BenchmarkConfig))
    from agents.benchmark.run import run_benchmark
    from agents.benchmark.write import check_document, describe, publish

    only = [name.strip() for names in options.only for name in names.split(",")]
    if options.publish is not None:
        check_document(options.publish)  # a mistake costs seconds here, ten minutes later
    results, complete = run_benchmark(config, only)
    print(describe(results))
    print(f"figures: {config.folder}/benchmark.png, scaling.png; numbers: benchmark.json")
    if options.publish is not None:
        publish(results, config.folder, options.publish)
    if not complete:
        sys.exit(1)


if __name__ == "__main__":
    run(main)
