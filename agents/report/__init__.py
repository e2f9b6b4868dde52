"""What a comparison found: read from its folder, summarised, put into words and on one page."""

from agents.report.html import write_report
from agents.report.sections.overview import write_overview
from agents.report.summary import summarise
from agents.report.verdict import summary_table
from agents.run.load import read_run, write_scores

__all__ = [
    "read_run",
    "summarise",
    "summary_table",
    "write_overview",
    "write_report",
    "write_scores",
]
