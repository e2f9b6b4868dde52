"""The symmetric logarithm: large numbers come near, small ones stay (Hafner et al., 2023)."""

from __future__ import annotations

from torch import Tensor


def symlog(numbers: Tensor) -> Tensor:
    """Return sign(x) log(1 + |x|) of each number: (...) -> (...)."""
    return numbers.sign() * numbers.abs().log1p()


def symexp(numbers: Tensor) -> Tensor:
    """Return sign(x) (exp(|x|) - 1) of each number, the inverse of `symlog`: (...) -> (...)."""
    return numbers.sign() * numbers.abs().expm1()
