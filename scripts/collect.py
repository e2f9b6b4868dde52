"""Collect frames: python -m scripts.collect CONFIG [--inspect]"""

from __future__ import annotations

from scripts.cli import Parser, run
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.inspect import inspect_store


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument(
        "--inspect", action="store_true", help="describe what was collected; collect nothing"
    )
    options, experiment = parser.parse()
    if not options.inspect:
        from agents.prepare import collect_rollouts

        collect_rollouts(experiment)
    print(inspect_store(RolloutStore(experiment.rollouts_folder)))


if __name__ == "__main__":
    run(main)
