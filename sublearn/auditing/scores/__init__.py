"""Scores of a set of rows, one a file."""
