"""Write a page in which a run's encoder, dreams and agents can be played, offline:
python -m scripts.explore CONFIG"""

from __future__ import annotations

from pathlib import Path

from scripts.cli import Parser, run


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument(
        "--out", type=Path, help="file to write (default: explorer.html in the run's folder)"
    )
    parser.add_argument(
        "--agents",
        metavar="ARM/seed_K",
        nargs="+",
        help="agents that may play the dream (default: one of each arm, up to 15 MB)",
    )
    options, experiment = parser.parse()
    from agents.explore.command import EXPLORER, write_explorer

    path = options.out or experiment.folder / EXPLORER
    for line in write_explorer(experiment, path, options.agents):
        print(f"left out: {line}")
    print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, opens in any browser, offline")


if __name__ == "__main__":
    run(main)
