"""Autoencoders of frames: networks, objectives, artefacts and the frozen encoder of an agent."""
