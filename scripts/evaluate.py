"""Score a trained agent: python -m scripts.evaluate CONFIG --arm latent --seed 0

It is scored in Gymnasium's own environment; --backend names another one, to check that they agree.
"""

from __future__ import annotations

from agents.arms.registry import ARMS
from scripts.cli import Parser, run
from scripts.option_types import seed

BACKENDS = ("gymnasium", "ale", "envpool")


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--arm", choices=[*ARMS], required=True, help="what it sees")
    parser.add_argument("--seed", type=seed, default=0, help="seed of the agent (default: 0)")
    parser.add_argument("--backend", choices=BACKENDS, default="gymnasium", help="see env.backend")
    options, experiment = parser.parse()
    from agents.rescore import rescore

    for line in rescore(experiment, options.arm, options.seed, options.backend):
        print(line)


if __name__ == "__main__":
    run(main)
