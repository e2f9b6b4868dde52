"""Examine the encoder: python -m scripts.diagnose CONFIG [--supervised]"""

from __future__ import annotations

from agents.stages import pretrain_encoder
from scripts.cli import Parser, run
from worldvae.diagnostics.health import diagnose, write_health
from worldvae.rollouts import RolloutStore


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument(
        "--supervised",
        action="store_true",
        help="also train the same network on the true state: the ceiling of the probes",
    )
    options, experiment = parser.parse()
    encoder = pretrain_encoder(experiment)
    store = RolloutStore(experiment.rollouts_folder)
    health = diagnose(encoder, store, experiment.seed, options.supervised)
    write_health(health, experiment.encoder_folder)
    print(health.summary())
    print(f"all numbers: {experiment.encoder_folder}/health.json")


if __name__ == "__main__":
    run(main)
