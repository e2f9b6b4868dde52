"""Autoencoders of frames: their networks, objectives and files, and the encoder of an agent."""
