"""Folders on the Hugging Face hub: their addresses, what they list, and how they are fetched."""
