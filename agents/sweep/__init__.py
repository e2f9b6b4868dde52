"""Choosing beta: a curve of trials, what each end loses, and the beta between them."""
