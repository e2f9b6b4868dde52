"""Watch finished agents, frame beside what they see: python -m scripts.play RUN [--arm ARM]

RUN is a run's folder (runs/NAME), an agent's, or one on the hub (hf://USER/NAME); without --arm all
arms of a run play side by side.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from agents.arms.registry import ARMS
from scripts.cli import run
from scripts.option_types import episode, seed
from scripts.options import CommandParser

CAVEAT = "One episode is no result: scores.csv and report.html hold what was measured."


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = CommandParser(description=__doc__, prog="python -m scripts.play", allow_abbrev=False)
    parser.add_argument("run", metavar="RUN", type=Path, help="folder of a run or of an agent")
    parser.add_argument("--arm", choices=[*ARMS], help="only this arm (default: all)")
    parser.add_argument("--seed", type=seed, help="seed of the agents (default: the first)")
    parser.add_argument(
        "--episode", type=episode, help="seed of the episode (default: the first evaluation's)"
    )
    parser.add_argument("--out", type=Path, help="film to write (default: RUN/play.webm)")
    parser.add_argument("--trust", action="store_true", help="unpickle an agent from the hub")
    parser.add_argument("--window", action="store_true", help="show a window, write no film")
    return parser.parse_args(arguments)


def main() -> None:
    options = parse(sys.argv[1:])
    from agents.video import play
    from agents.video.display import check_display, show
    from agents.video.film import pictures

    path = play.film_path(options.run, options.out)
    folders = play.find_agents(options.run, options.arm, options.seed, options.trust)
    if options.window:
        check_display()
    first = play.evaluation_settings(folders[0]).seed
    begun = first if options.episode is None else options.episode
    with play.playing(folders, begun) as players:
        if options.window:
            show(f"episode {begun}", pictures(players), players[0].rate)
        else:
            play.film_exclusively(players, path)
        lines = [agent.text for agent in play.played(folders, players)]
    print("\n".join([*lines, CAVEAT, *([] if options.window else [str(path)])]))


if __name__ == "__main__":
    run(main)
