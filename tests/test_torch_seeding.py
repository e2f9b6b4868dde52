import torch

from worldvae.torch_seeding import seeded_torch


def test_a_block_draws_from_its_seed_and_leaves_no_trace() -> None:
    torch.manual_seed(1)
    undisturbed = torch.rand(4)
    torch.manual_seed(1)
    with seeded_torch(5):
        first = torch.rand(3)
    assert torch.equal(torch.rand(4), undisturbed)
    with seeded_torch(5):
        assert torch.equal(torch.rand(3), first)
