"""Statistics of a comparison: of seeds in one task, of several tasks, of two arms, and its power.

They need only NumPy and SciPy, so that they can be checked beside other libraries.
"""

from worldvae.stats.pairs import (
    Difference,
    paired_difference,
    permutation_p,
    probability_of_improvement,
    stratified_difference,
    stratified_improvement,
)
from worldvae.stats.power import detectable_difference
from worldvae.stats.resampling import CONFIDENCE, Array, Resampling
from worldvae.stats.seeds import (
    Estimate,
    Statistic,
    bootstrap_interval,
    episode_interval,
    estimate,
    interquartile_mean,
    mean,
    seed_scores,
)
from worldvae.stats.tasks import (
    Profile,
    TaskScores,
    TaskStatistic,
    interquartile_mean_of_tasks,
    mean_of_tasks,
    median_of_tasks,
    normalise,
    optimality_gap,
    performance_profile,
    stratified_estimate,
    stratified_interval,
)

__all__ = [
    "CONFIDENCE",
    "Array",
    "Difference",
    "Estimate",
    "Profile",
    "Resampling",
    "Statistic",
    "TaskScores",
    "TaskStatistic",
    "bootstrap_interval",
    "detectable_difference",
    "episode_interval",
    "estimate",
    "interquartile_mean",
    "interquartile_mean_of_tasks",
    "mean",
    "mean_of_tasks",
    "median_of_tasks",
    "normalise",
    "optimality_gap",
    "paired_difference",
    "performance_profile",
    "permutation_p",
    "probability_of_improvement",
    "seed_scores",
    "stratified_difference",
    "stratified_estimate",
    "stratified_improvement",
    "stratified_interval",
]
