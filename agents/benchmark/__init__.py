"""How fast worldvae is, against what people use in its place and against the limit."""

from agents.benchmark.config import BenchmarkConfig
from agents.benchmark.results import Results
from agents.benchmark.run import run_benchmark
from agents.benchmark.write import check_document, describe, publish

__all__ = ["BenchmarkConfig", "Results", "check_document", "describe", "publish", "run_benchmark"]
