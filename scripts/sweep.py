"""Choose beta by a sweep over it: python -m scripts.sweep CONFIG"""

from __future__ import annotations

from scripts.cli import Parser, run


def main() -> None:
    _, experiment = Parser(__doc__).parse()
    from agents.sweep.run import sweep
    from agents.sweep.write import describe_sweep

    choice = sweep(experiment)
    print(describe_sweep(experiment.sweep_folder, choice))


if __name__ == "__main__":
    run(main)
