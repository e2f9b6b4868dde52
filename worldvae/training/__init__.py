"""One loop that fits anything with a loss: it resumes to the bit, stops early and says why."""

from worldvae.training.config import PretrainConfig
from worldvae.training.fit import FitResult, fit

__all__ = ["FitResult", "PretrainConfig", "fit"]
