"""What a comparison found: read from its folder, summarised, put into words and on one page."""
