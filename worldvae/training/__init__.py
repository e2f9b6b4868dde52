"""One loop that fits anything with a loss: it resumes to the bit, stops early and says why."""

from worldvae.training.config import FitConfig
from worldvae.training.fit import FitResult, fit
from worldvae.training.run import CHECKPOINT

__all__ = ["CHECKPOINT", "FitConfig", "FitResult", "fit"]
