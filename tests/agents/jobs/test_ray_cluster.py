"""Jobs on two Ray nodes of this machine, one of which is killed."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

os.environ["RAY_USAGE_STATS_ENABLED"] = "0"
ray = pytest.importorskip("ray", reason="Ray is not installed: pip install 'ray>=2.60'")

from ray.cluster_utils import Cluster  # noqa: E402

from agents.compare import compare  # noqa: E402
from agents.config.experiment import Experiment  # noqa: E402
from agents.jobs.live_view import View  # noqa: E402
from agents.jobs.pool import Pool  # noqa: E402
from agents.jobs.ray_cluster import RayCluster, threads_on  # noqa: E402
from tests.agents.jobs.test_pool import Example, failures  # noqa: E402
from tests.agents.jobs.work import be_killed, count_up, hang, make_a_mistake, note  # noqa: E402
from tests.processes import ancestors, is_alive, wait_until  # noqa: E402
from tests.tiny import TINY  # noqa: E402
from worldvae.errors import WorldvaeError  # noqa: E402

NODE = {"num_cpus": 1, "include_dashboard": False, "object_store_memory": 80 * 2**20}
STEPS = 8


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head and one more node, of one core each."""
    cluster = Cluster(initialize_head=True, head_node_args=NODE)
    cluster.add_node(**NODE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_ADDRESS", cluster.address)
        yield cluster
    ray.shutdown()
    cluster.shutdown()


def pool_of(workers: int, jobs: int) -> Pool[Example]:
    return Pool(RayCluster(workers), View("examples", jobs))


def run(folder: Path, work: dict[str, Callable[[], object]]) -> dict[str, bool]:
    examples = [Example(name, folder / f"{name}.log", each) for name, each in work.items()]
    with pool_of(2, len(work)) as pool:
        return {job.name: succeeded for ended in pool.run(examples) for job, succeeded in ended}


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


def kill_node(raylet: int, jobs: list[int]) -> None:
    """All at once, as a machine dies: the node's daemon, the job on it, and the job's task."""
    (job,) = [pid for pid in jobs if raylet in ancestors(pid)]
    for pid in (raylet, ancestors(job)[0], job):
        os.kill(pid, signal.SIGKILL)


def test_a_job_is_done_and_failures_are_told_in_one_line(
    cluster: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    work = {"a": partial(note, tmp_path / "a", "x"), "b": make_a_mistake, "c": be_killed}
    assert run(tmp_path, work) == {"a": True, "b": False, "c": False}
    assert (tmp_path / "a").read_text() == "x"
    mistaken, killed = sorted(failures(capfd.readouterr().err))  # whichever ended first
    assert mistaken.endswith("error: frames are missing; collect some")
    assert killed.endswith("killed by signal 9, as the system does when memory runs out")


def test_what_still_runs_when_the_pool_is_left_is_ended(
    cluster: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As after Ctrl-C: the one that runs tidies up, the ones that wait for room never begin."""
    monkeypatch.setattr(
        "agents.jobs.ray_cluster.GRACE_SECONDS", 1000.0
    )  # until Ray says that it ended
    names = ("a", "b", "c")
    examples = [
        Example(one, tmp_path / f"{one}.log", partial(hang, tmp_path, one)) for one in names
    ]
    with pool_of(3, 3) as pool:
        next(pool.run(examples))
        while sum((tmp_path / name).exists() for name in names) < 2:
            # However long a busy machine takes to start a process: Ray says whether it will.
            assert [running.exit_code for _, running in pool._running] == [None] * 3
            time.sleep(0.05)
        begun = [name for name in names if (tmp_path / name).exists()]
        family = [int(pid) for name in begun for pid in (tmp_path / name).read_text().split()]
    wait_until(lambda: not any(map(is_alive, family)), "a job outlived its pool")
    assert sorted(path.stem for path in tmp_path.glob("*.tidy")) == begun
    assert sum((tmp_path / name).exists() for name in names) == 2


def test_a_node_is_killed_and_nothing_is_lost_and_nothing_done_twice(
    cluster: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    names = "abcd"
    examples = [
        Example(one, tmp_path / f"{one}.log", partial(count_up, tmp_path, one, STEPS))
        for one in names
    ]
    (node,) = cluster.worker_nodes
    raylet, is_killed, ended = node.all_processes["raylet"][0].process.pid, False, []
    with pool_of(2, len(names)) as pool:
        for over in pool.run(examples):
            ended += over
            if len(list(tmp_path.glob("*.begun"))) == 2:  # each node has one core, so one job
                note(tmp_path / "go", "")
            half_way = [one for one in names if len(lines(tmp_path / f"{one}.steps")) >= 2]
            if len(half_way) == 2 and not is_killed:
                is_killed = True
                kill_node(raylet, [int(lines(tmp_path / f"{one}.begun")[0]) for one in half_way])
    assert sorted(job.name for job, succeeded in ended if succeeded) == list(names)
    begun = {one: len(lines(tmp_path / f"{one}.begun")) for one in names}
    assert sum(begun.values()) == len(names) + 1, "what ran on the killed node began again"
    for one in names:
        steps = [json.loads(line)["step"] for line in lines(tmp_path / f"{one}.steps")]
        assert steps == list(range(STEPS)), "each step once and in order"
        assert (tmp_path / f"{one}.result").read_text() == str(STEPS)
    told = capfd.readouterr()
    assert told.out == "", "Ray's own account of it has pages"
    assert told.err.count("is gone; what ran there goes on elsewhere") == 1
    assert failures(told.err) == []


@pytest.mark.parametrize("address", ["127.0.0.1:1", "nonsense", "ray://127.0.0.1:1"])
def test_no_cluster_is_one_line(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    monkeypatch.setenv("RAY_ADDRESS", address)
    with pytest.raises(WorldvaeError, match=rf"no Ray cluster at RAY_ADDRESS = {address} \("):
        RayCluster(1)


def test_no_cluster_is_told_before_anything_is_made(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    experiment = Experiment.load(TINY, {"runs": str(tmp_path), "compare.executor": "ray"})
    with pytest.raises(WorldvaeError, match=r"no Ray cluster at RAY_ADDRESS = 127.0.0.1:1 \("):
        compare(experiment)
    assert not list(tmp_path.iterdir())


def test_ray_missing_is_one_line_that_installs_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Told before anything is collected or pretrained."""
    monkeypatch.setitem(sys.modules, "ray", None)
    overrides = {"runs": str(tmp_path), "compare.executor": "ray"}
    experiment = Experiment.load(TINY, overrides)
    with pytest.raises(WorldvaeError, match=r"pip install 'worldvae\[ray\]'"):
        compare(experiment)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("cores", "workers", "limit", "expected"),
    [
        ([4, 2], 2, None, 2),  # with 3 threads, only one job would run
        ([4, 4], 2, None, 4),
        ([4, 4], 3, None, 2),
        ([4, 4], 2, "1", 1),
        ([2], 5, None, 1),
        ([], 1, None, 1),
        ([0, 8], 2, "16", 4),
    ],
)
def test_threads_are_as_many_as_let_all_run_at_once(
    monkeypatch: pytest.MonkeyPatch,
    cores: list[int],
    workers: int,
    limit: str | None,
    expected: int,
) -> None:
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if limit:
        monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert threads_on(cores, workers) == expected
