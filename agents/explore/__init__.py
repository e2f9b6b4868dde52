"""The explorer: one page of HTML in which a run's encoder, dynamics and agents work, offline."""
