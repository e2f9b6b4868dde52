"""Learn how the latents move, and check how far dreams can be trusted:
python -m scripts.dynamics CONFIG"""

from __future__ import annotations

from scripts.cli import Parser, run


def main() -> None:
    _, experiment = Parser(__doc__).parse()
    from agents.prepare import describe_dynamics, examine_dynamics, learn_latent_dynamics

    folder = learn_latent_dynamics(experiment)
    print(describe_dynamics(folder))
    examine_dynamics(experiment)


if __name__ == "__main__":
    run(main)
