from tests.rollouts.minari.datasets import datasets

__all__ = ["datasets"]
