"""How the cost of each stage grows with each quantity that makes it larger, as slopes."""
