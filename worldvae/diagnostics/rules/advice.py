"""What to change in `pretrain`, given what it is set to."""

from __future__ import annotations

from worldvae.autoencoders.objectives import ObjectiveConfig


def more_information(objective: ObjectiveConfig) -> str:
    """Let the code carry more."""
    if objective.name == "capacity_vae":
        return f"raise pretrain.capacity (now {objective.capacity:g})"
    if not objective.is_variational:
        return "raise pretrain.steps"
    if objective.name == "vae":
        way = "set pretrain.objective: beta_vae with pretrain.beta below 1"
    elif objective.beta > 0:
        way = f"lower pretrain.beta (now {objective.beta:g})"
    else:
        return "raise pretrain.steps"
    if objective.likelihood == "gaussian" and objective.sigma != "learned":
        return f"{way}, or set pretrain.sigma: learned, which weighs picture against code itself"
    return way


def sharper_eyes(objective: ObjectiveConfig) -> str:
    """Let rare and moving pixels count for more."""
    motion = f"raise pretrain.motion_weight (now {objective.motion_weight:g})"
    if objective.standardise or objective.likelihood != "gaussian":
        return motion
    return f"{motion}, or set pretrain.standardise: true"


def nearer_future(objective: ObjectiveConfig) -> str:
    """Let what is to be decoded depend less on chance."""
    nearer = f"lower pretrain.predict (now {objective.predict})"
    return nearer if objective.actions else f"{nearer}, or set pretrain.actions: true"


def join(*ways: str) -> str:
    """A sentence of alternatives."""
    text = "; or ".join(ways)
    return f"{text[0].upper()}{text[1:]}."
