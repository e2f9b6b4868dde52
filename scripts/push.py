"""Publish an encoder, dynamics or an agent on the Hugging Face hub:
python -m scripts.push FOLDER USER/NAME

FOLDER is runs/NAME/encoder, runs/NAME/dynamics or an agent's. hf://USER/NAME loads it elsewhere.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from scripts.cli import run
from scripts.options import CommandParser


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Parse the command line."""
    parser = CommandParser(description=__doc__, prog="python -m scripts.push", allow_abbrev=False)
    parser.add_argument("folder", metavar="FOLDER", type=Path, help="folder to publish")
    parser.add_argument("repo", metavar="USER/NAME", help="repository, made if there is none")
    parser.add_argument(
        "--licence", metavar="NAME", help="the hub's name of one, such as mit (default: none named)"
    )
    parser.add_argument("--private", action="store_true", help="only you see a new repository")
    parser.add_argument(
        "--preview", metavar="OUT", type=Path, help="write the files to OUT, publish nothing"
    )
    return parser.parse_args(arguments)


def main() -> None:
    options = parse(sys.argv[1:])
    from agents.hub.content import hub_content
    from worldvae.export.hub import save_preview, upload

    content = hub_content(options.folder)
    if options.preview:
        save_preview(content, options.preview, options.repo, options.licence)
        print(options.preview)
    else:
        print(upload(content, options.repo, options.licence, options.private))


if __name__ == "__main__":
    run(main)
