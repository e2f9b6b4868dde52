"""Agents as files that act without this library."""
