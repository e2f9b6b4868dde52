"""Write a page in which a run's encoder, dreams and agents can be played, offline:
python -m scripts.explore CONFIG"""

from __future__ import annotations

from scripts.cli import Parser, run
from scripts.option_types import out_in
from worldvae.errors import ConfigError


def main() -> None:
    parser = Parser(__doc__, scope="all")
    parser.add_argument(
        "--out",
        type=out_in(".html"),
        help="file to write (default: explorer.html in the run's folder)",
    )
    parser.add_argument(
        "--agents",
        metavar="ARM/seed_K",
        nargs="+",
        help="agents that may play the dream (default: one of each arm, up to 15 MB)",
    )
    options, experiment = parser.parse()
    tasks = [
        part
        for task in experiment.tasks.values()
        for part in ([task.of_seed(task.seed)] if parser.names_seed else task.parts)
    ]
    if options.out is not None and len(tasks) > 1:
        raise ConfigError(f"--out {options.out}: one file for {len(tasks)} encoders")
    from agents.explore.command import write_explorer
    from worldvae.diagnostics.page.figures import EXPLORER

    for task in tasks:
        path = options.out or task.folder / EXPLORER
        for line in write_explorer(task, path, options.agents):
            print(f"left out: {line}")
        print(f"{path}: {path.stat().st_size / 1e6:.1f} MB, opens in any browser, offline")


if __name__ == "__main__":
    run(main)
