"""Collect frames: python -m scripts.collect CONFIG [--inspect | --from minari:ID | --to minari:ID]

--from takes the episodes of a dataset in place of collecting, --to exports those of this CONFIG;
docs/datasets.md tells what is kept.
"""

from __future__ import annotations

from scripts.cli import Parser, run
from worldvae.errors import ConfigError
from worldvae.rollouts import RolloutStore
from worldvae.rollouts.inspect import inspect_store
from worldvae.rollouts.minari import Credits, export_dataset


def dataset(text: str) -> str:
    """Return ID of the option minari:ID."""
    kind, _, name = text.partition(":")
    if kind != "minari" or not name:
        raise ConfigError(f"command line: {text}: expected minari:ID, such as minari:dots/play-v0")
    return name


def main() -> None:
    parser = Parser(__doc__)
    group = parser.add_mutually_exclusive_group()
    group.add_argument(
        "--inspect", action="store_true", help="describe what was collected; collect nothing"
    )
    for option, name, text in (
        ("--from", "source", "import this dataset of Minari in place of collecting"),
        ("--to", "target", "export as a new dataset of Minari"),
    ):
        group.add_argument(option, dest=name, metavar="minari:ID", type=dataset, help=text)
    parser.add_argument("--author", help="with --to: who made the dataset")
    parser.add_argument("--permalink", help="with --to: address of the code that made it")
    parser.add_argument("--description", help="with --to: what is in it")
    options, experiment = parser.parse()
    credits = Credits(options.author, options.permalink, options.description)
    if options.target is None and credits != Credits():
        raise ConfigError("command line: --author, --permalink and --description need --to")
    if not options.inspect:
        from agents.prepare import collect_rollouts, import_rollouts

        if options.source is None:
            collect_rollouts(experiment)
        else:
            import_rollouts(experiment, options.source)
    store = RolloutStore(experiment.rollouts_folder)
    print(inspect_store(store))
    if options.target is not None:
        print(f"dataset: {export_dataset(store, options.target, credits)}")


if __name__ == "__main__":
    run(main)
