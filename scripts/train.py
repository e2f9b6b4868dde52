"""Train one agent: python -m scripts.train CONFIG --arm latent --seed 0"""

from __future__ import annotations

from agents.arms.registry import ARMS
from scripts.cli import Parser, run
from scripts.option_types import seed


def main() -> None:
    parser = Parser(__doc__, scope="environment")
    parser.add_argument("--arm", choices=[*ARMS], required=True, help="what it sees")
    parser.add_argument("--seed", type=seed, default=0, help="seed of the agent (default: 0)")
    options, experiment = parser.parse()
    from agents.prepare import prepare
    from agents.train import train

    prepare(experiment.of_seed(options.seed), (options.arm,))
    print(train(experiment, options.arm, options.seed))


if __name__ == "__main__":
    run(main)
