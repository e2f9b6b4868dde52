"""Export an agent as one file that acts anywhere: python -m scripts.export AGENT_FOLDER

AGENT_FOLDER is an agent's (runs/NAME/agents/ARM/seed_0), or its address on the hub (hf://USER/NAME);
its file takes the environment's own frame and gives the environment's own action. docs/export.md
shows how to run it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import get_args

from scripts.cli import run
from scripts.options import CommandParser
from worldvae.errors import ConfigError
from worldvae.hub.address import beside
from worldvae.hub.download import local_folder
from worldvae.hub.listing import HubKind


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = CommandParser(description=__doc__, prog="python -m scripts.export", allow_abbrev=False)
    parser.add_argument(
        "agent", metavar="AGENT_FOLDER", type=Path, nargs="?", help="folder of an agent"
    )
    parser.add_argument("--encoder", metavar="FOLDER", type=Path, help="export this encoder alone")
    parser.add_argument("--dynamics", metavar="FOLDER", type=Path, help="export this M alone")
    parser.add_argument(
        "--out", type=Path, help="file to write (default: agent.onnx in its folder, and the like)"
    )
    parser.add_argument("--trust", action="store_true", help="unpickle an agent from the hub")
    parser.add_argument(
        "--check", metavar="EPISODES", type=int, default=0, help="play so many, and say how it acts"
    )
    return parser.parse_args(arguments)


def main() -> None:
    options = parse(sys.argv[1:])
    kinds: dict[HubKind, Path | None] = {kind: getattr(options, kind) for kind in get_args(HubKind)}
    given = {kind: folder for kind, folder in kinds.items() if folder is not None}
    if len(given) != 1:
        raise ConfigError("command line: name one agent's folder, or --encoder or --dynamics")
    ((kind, folder),) = given.items()
    path = options.out or beside(folder) / f"{kind}.onnx"
    from agents.export.command import export

    local = local_folder(folder, kind, options.trust)
    for line in export(kind, local, path, options.check):
        print(line)


if __name__ == "__main__":
    run(main)
