"""Collection of episodes, and the store that keeps them on disk and reads them back."""

from worldvae.rollouts.batches import StoredFrames
from worldvae.rollouts.collect import collect
from worldvae.rollouts.config import RolloutConfig
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.joined import JoinedFrames
from worldvae.rollouts.manifest import Record
from worldvae.rollouts.policies import Policy, RandomPolicy, SmoothPolicy
from worldvae.rollouts.store import RolloutStore

__all__ = [
    "Episode",
    "JoinedFrames",
    "Policy",
    "RandomPolicy",
    "Record",
    "RolloutConfig",
    "RolloutStore",
    "SmoothPolicy",
    "StoredFrames",
    "collect",
]
