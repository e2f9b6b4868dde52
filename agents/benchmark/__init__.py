"""Measures how fast worldvae is, against common alternatives and against the bare simulator."""
