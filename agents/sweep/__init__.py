"""Chooses beta: trains a curve of encoders, finds what each end loses, and picks a beta between."""
