"""Train and measure a grid of encoders, no agents: python -m scripts.study CONFIG"""

from __future__ import annotations

from agents.study import study
from scripts.cli import Parser, run


def main() -> None:
    _, experiment = Parser(__doc__).parse()
    path = study(experiment)
    print(path.read_text())
    print(f"figure: {path.with_suffix('.png')}, every number: {path.with_name('scores.csv')}")


if __name__ == "__main__":
    run(main)
