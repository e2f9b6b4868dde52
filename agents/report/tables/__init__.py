"""The tables of a report, independent of HTML and Markdown."""
