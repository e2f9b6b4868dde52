"""What a comparison found: read from its folder, summarised, put into words and on one page."""

from agents.report.overview import write_overview
from agents.report.results import read_run, write_scores
from agents.report.summary import summarise
from agents.report.verdict import summary_table
from agents.report.write import write_report

__all__ = [
    "read_run",
    "summarise",
    "summary_table",
    "write_overview",
    "write_report",
    "write_scores",
]
