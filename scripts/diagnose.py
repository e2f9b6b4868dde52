"""Examine the encoder before any agent is trained: python -m scripts.diagnose CONFIG"""

from __future__ import annotations

from scripts.cli import Parser, run


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument(
        "--supervised",
        action="store_true",
        help="also train the same network on the true state: the ceiling of the probes",
    )
    options, experiment = parser.parse()
    from agents.prepare import examine_encoder, pretrain_encoder
    from worldvae.diagnostics.rules.evidence import HEALTH

    is_new = not HEALTH.is_whole(experiment.encoder_folder)
    encoder = pretrain_encoder(experiment)
    if options.supervised or not is_new:
        examine_encoder(experiment, encoder, options.supervised)


if __name__ == "__main__":
    run(main)
