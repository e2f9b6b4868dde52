"""The report of a comparison: its statistics, costs, verdict, HTML page and Markdown file."""
