"""Prepares what agents need: rollouts, encoders made from them, and dynamics of the latents."""

from agents.prepare.arms import check_algorithm, prepare
from agents.prepare.dynamics import (
    describe_dynamics,
    examine_dynamics,
    learn_latent_dynamics,
    prepare_untrained_dynamics,
)
from agents.prepare.encoder import (
    describe_encoder,
    examine_encoder,
    prepare_untrained_encoder,
    pretrain_encoder,
)
from agents.prepare.rollouts import collect_rollouts, import_rollouts
from agents.prepare.sections import COLLECTED_BY, ENCODED_BY, LEARNED_BY, STAGE

__all__ = [
    "COLLECTED_BY",
    "ENCODED_BY",
    "LEARNED_BY",
    "STAGE",
    "check_algorithm",
    "collect_rollouts",
    "describe_dynamics",
    "describe_encoder",
    "examine_dynamics",
    "examine_encoder",
    "import_rollouts",
    "learn_latent_dynamics",
    "prepare",
    "prepare_untrained_dynamics",
    "prepare_untrained_encoder",
    "pretrain_encoder",
]
