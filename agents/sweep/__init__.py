"""Choosing beta: a curve of trials, what each end loses, and the beta between them."""

from agents.sweep.run import sweep

__all__ = ["sweep"]
