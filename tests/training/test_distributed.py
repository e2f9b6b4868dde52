"""Two processes that share each batch against one process with the whole of it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from tests.training.shared_training import OBJECTIVES, train
from worldvae.errors import WorldvaeError
from worldvae.jsonl import read_jsonl
from worldvae.training.distributed import averaged, check_divisible, first_does, processes
from worldvae.training.share import Share

ROOT = Path(__file__).parents[2]


def torchrun(count: int, *command: str) -> subprocess.CompletedProcess[str]:
    """Called once more where torch's own threads abort a process: seen twice in full runs of all
    tests ("terminate called without an active exception"), never in ten runs alone."""
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    for _ in range(2):
        done = subprocess.run(
            [*launcher, f"--nproc-per-node={count}", *command],
            cwd=ROOT,
            env=os.environ | {"OMP_NUM_THREADS": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if "terminate called without an active exception" not in done.stderr:
            break
    return done


@pytest.fixture(scope="module")
def by_two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each objective trained by two processes: weights.pt and metrics.jsonl in its folder."""
    folder = tmp_path_factory.mktemp("by_two")
    done = torchrun(2, "-m", "tests.training.shared_training", str(folder))
    assert done.returncode == 0, done.stderr[-2_000:]
    return folder


@pytest.mark.parametrize("objective", OBJECTIVES)
def test_two_processes_learn_what_one_does(by_two: Path, tmp_path: Path, objective: str) -> None:
    """Also the objectives that are no means over examples, and whatever noise they draw."""
    expected, _ = train(tmp_path, objective)
    actual = torch.load(by_two / objective / "weights.pt", weights_only=True)
    for name, value in expected.items():
        torch.testing.assert_close(actual[name], value, rtol=0, atol=2e-5)
    rows = [read_jsonl(folder / "metrics.jsonl") for folder in (by_two / objective, tmp_path)]
    assert [len(row) for row in rows] == [4, 4]
    for mine, theirs in zip(*rows, strict=True):
        names = mine.keys() - {"seconds", "split"}
        assert [mine[name] for name in names] == pytest.approx(
            [theirs[name] for name in names], rel=1e-4, abs=1e-5
        )


def test_a_share_is_so_many_rows_in_order() -> None:
    rows = torch.arange(12)
    parts = [rows[Share(rank, 3).rows(12)] for rank in range(3)]
    assert [len(part) for part in parts] == [4, 4, 4]
    assert torch.equal(torch.cat(parts), rows)


@pytest.mark.parametrize("draw", [torch.rand, torch.randn])
def test_noise_is_the_same_in_however_many_processes(draw) -> None:
    def drawn(share: Share) -> torch.Tensor:
        generator = torch.Generator().manual_seed(3)
        return share.draw(draw, (12 // share.processes, 5), generator)

    whole = drawn(Share())
    for count in (2, 3):
        assert torch.equal(torch.cat([drawn(Share(k, count)) for k in range(count)]), whole)


def test_alone_nothing_is_shared() -> None:
    with processes() as share:
        assert share == Share()
        assert first_does(lambda: 7) == 7
        assert averaged(torch.ones(2)).tolist() == [1, 1]
    rows = torch.ones(2, requires_grad=True)
    assert Share().gather(rows) is rows


def test_a_batch_that_cannot_be_halved_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worldvae.training.distributed.own_share", lambda: Share(0, 3))
    check_divisible(9)
    with pytest.raises(
        WorldvaeError, match=r"batch_size = 8 cannot be shared by 3 .* multiple of 3"
    ):
        check_divisible(8)
