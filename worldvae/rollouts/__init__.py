"""Collection of episodes, and the store that keeps them on disk and reads them back."""

from worldvae.rollouts.batches import StoredFrames
from worldvae.rollouts.collect import collect
from worldvae.rollouts.config import RolloutConfig
from worldvae.rollouts.episode import Episode
from worldvae.rollouts.joined import JoinedFrames
from worldvae.rollouts.keys import RecordedKey
from worldvae.rollouts.manifest import Record
from worldvae.rollouts.policies import Policy, RandomPolicy, SmoothPolicy
from worldvae.rollouts.store import RolloutStore
from worldvae.rollouts.sweeps import SweepPolicy

__all__ = [
    "Episode",
    "JoinedFrames",
    "Policy",
    "RandomPolicy",
    "Record",
    "RecordedKey",
    "RolloutConfig",
    "RolloutStore",
    "SmoothPolicy",
    "StoredFrames",
    "SweepPolicy",
    "collect",
]
