import numpy as np
import torch

from worldvae.symlog import symexp, symlog


def test_symlog_is_odd_and_about_the_number_itself_near_0() -> None:
    numbers = torch.tensor([-99.0, -1.0, 0.0, 1e-3, np.e - 1])
    expected = torch.tensor([-np.log(100), -np.log(2), 0.0, 1e-3, 1.0], dtype=torch.float32)
    torch.testing.assert_close(symlog(numbers), expected, atol=1e-6, rtol=1e-5)


def test_symexp_is_its_inverse() -> None:
    numbers = torch.tensor([-1e3, -2.0, -1e-4, 0.0, 0.5, 7e4], dtype=torch.float64)
    torch.testing.assert_close(symexp(symlog(numbers)), numbers)
