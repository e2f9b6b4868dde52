"""Statistics of a comparison: of seeds in one task, of several tasks, of two arms by one rule.

They need only NumPy and SciPy, so that they can be checked beside other libraries.
"""

from worldvae.stats.correlation import rank_correlation, seed_agreement, spearman
from worldvae.stats.crossed import EvaluationNoise, evaluation_noise, two_level_difference
from worldvae.stats.improvement import probability_of_improvement, stratified_improvement
from worldvae.stats.pairs import POWER, Difference, difference, stratified_difference
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
from worldvae.stats.simulation import LAWS, Simulated, simulate
from worldvae.stats.success import success_difference
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
    "LAWS",
    "POWER",
    "Array",
    "Difference",
    "Estimate",
    "EvaluationNoise",
    "Profile",
    "Resampling",
    "Simulated",
    "Statistic",
    "TaskScores",
    "TaskStatistic",
    "bootstrap_interval",
    "difference",
    "episode_interval",
    "estimate",
    "evaluation_noise",
    "interquartile_mean",
    "interquartile_mean_of_tasks",
    "mean",
    "mean_of_tasks",
    "median_of_tasks",
    "normalise",
    "optimality_gap",
    "performance_profile",
    "probability_of_improvement",
    "rank_correlation",
    "seed_agreement",
    "seed_scores",
    "simulate",
    "spearman",
    "stratified_difference",
    "stratified_estimate",
    "stratified_improvement",
    "stratified_interval",
    "success_difference",
    "two_level_difference",
]
