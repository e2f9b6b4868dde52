"""Score a trained agent: python -m scripts.evaluate CONFIG --arm latent --seed 0

It is scored in Gymnasium's own environment; --backend names another one, to check that they agree.
"""

from __future__ import annotations

from agents.arms.registry import ARMS
from scripts.cli import Parser, run
from scripts.options import seed

BACKENDS = ("gymnasium", "ale", "envpool")


def main() -> None:
    parser = Parser(__doc__)
    parser.add_argument("--arm", choices=[*ARMS], required=True, help="what it sees")
    parser.add_argument("--seed", type=seed, default=0, help="seed of the agent (default: 0)")
    parser.add_argument("--backend", choices=BACKENDS, default="gymnasium", help="see env.backend")
    options, experiment = parser.parse()
    import numpy as np

    from agents.policy.agent import Agent
    from agents.policy.evaluate import evaluate
    from agents.run.agent_card import read_card
    from agents.run.agent_files import is_finished
    from worldvae.envs.world import RealWorld
    from worldvae.seeding import numpy_stream
    from worldvae.stats import Resampling, episode_interval, mean

    settings = experiment.evaluation
    folder = experiment.agent_folder(options.arm, options.seed)
    agent = Agent.load(folder, experiment.env, settings.deterministic)
    env = experiment.env.as_evaluated().model_copy(update={"backend": options.backend})
    world = RealWorld(env)
    seeds = range(settings.seed, settings.seed + settings.episodes)
    scores = evaluate(agent, world, seeds, settings.num_envs)
    returns = np.array([score.return_ for score in scores])
    resampling = Resampling(numpy_stream(experiment.seed, "evaluate"))
    low, high = episode_interval(returns, mean, resampling)
    successes = [score.success for score in scores if score.success is not None]
    print("seed,return,decisions" + ",success" * bool(successes))
    for score in scores:
        success = f",{'' if score.success is None else int(score.success)}" if successes else ""
        print(f"{score.seed},{score.return_:.1f},{score.length}{success}")
    spread = f"{returns.std(ddof=1):.1f}" if len(returns) > 1 else "n/a"
    trained = f" after {read_card(folder).env_steps:,} env steps, unfinished,"
    agent_name = f"{options.arm} seed {options.seed}{'' if is_finished(folder) else trained}"
    print(
        f"{agent_name} in {options.backend}: mean {returns.mean():.1f}, "
        f"95 % interval over {len(returns)} episodes {low:.1f} to {high:.1f}, "
        f"standard deviation {spread}"
        + (f", {np.mean(successes):.0%} of {len(successes)} succeeded" if successes else "")
    )


if __name__ == "__main__":
    run(main)
