"""Frozen questions and how each is run."""
