"""A module that fails when it is imported."""

ONE = 1 / 0
