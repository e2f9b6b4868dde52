"""Agents on the Hugging Face hub."""
