"""Pretrain the encoder on the collected frames: python -m scripts.pretrain CONFIG"""

from __future__ import annotations

from agents.stages import collect_rollouts, pretrain_encoder
from scripts.cli import Parser, run


def main() -> None:
    _, experiment = Parser(__doc__).parse()
    collect_rollouts(experiment)
    print(pretrain_encoder(experiment))


if __name__ == "__main__":
    run(main)
