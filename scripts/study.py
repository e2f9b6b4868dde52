"""Train and measure a grid of encoders, and agents on them where it names some:
python -m scripts.study CONFIG"""

from __future__ import annotations

import sys

from scripts.cli import Parser, run
from worldvae.errors import ConfigError


def main() -> None:
    parser = Parser(__doc__, scope="all")
    _, experiment = parser.parse()
    if parser.names_env and experiment.study.envs:
        raise ConfigError("study.envs replaces --env.id here; set --study.envs in place of it")
    from agents.study.run import study

    is_complete = study(experiment)
    if not is_complete:
        sys.exit(1)


if __name__ == "__main__":
    run(main)
