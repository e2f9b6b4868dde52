"""Pretrain the encoder on the collected frames: python -m scripts.pretrain CONFIG

On several GPUs: torchrun --nproc-per-node NUMBER -m scripts.pretrain CONFIG
"""

from __future__ import annotations

from scripts.cli import Parser, run


def main() -> None:
    _, experiment = Parser(__doc__, is_shared=True).parse()
    from agents.prepare import describe_encoder, pretrain_encoder
    from worldvae.training.distributed import processes

    with processes() as share:
        encoder = pretrain_encoder(experiment)
        if share.rank == 0:
            print(describe_encoder(encoder, experiment.encoder_folder))


if __name__ == "__main__":
    run(main)
