"""Pretrain the encoder on the collected frames: python -m scripts.pretrain CONFIG"""

from __future__ import annotations

from agents.stages import describe_encoder, pretrain_encoder
from scripts.cli import Parser, run


def main() -> None:
    _, experiment = Parser(__doc__).parse()
    encoder = pretrain_encoder(experiment)
    print(describe_encoder(encoder, experiment.encoder_folder))


if __name__ == "__main__":
    run(main)
