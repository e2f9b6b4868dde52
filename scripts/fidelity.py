"""Check dreams where a trained agent goes: python -m scripts.fidelity CONFIG --arm dream --seed 0

The check that ends scripts.dynamics is made on held-out episodes of the rollouts; this one on new
episodes of the agent.
"""

from __future__ import annotations

from agents.arms.registry import ARMS
from scripts.cli import Parser, run
from scripts.option_types import count, seed

FRAMES = 5_000


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--arm", choices=[*ARMS], required=True, help="the arm of the agent")
    parser.add_argument("--seed", type=seed, default=0, help="seed of the agent (default: 0)")
    parser.add_argument(
        "--frames",
        type=count,
        default=FRAMES,
        help=f"frames that the agent collects for the check (default: {FRAMES})",
    )
    options, experiment = parser.parse()
    from agents.fidelity import examine_on_agent

    fidelity, folder = examine_on_agent(experiment, options.arm, options.seed, options.frames)
    print(fidelity.summary())
    print(f"all of the check: {folder}/fidelity.html")


if __name__ == "__main__":
    run(main)
