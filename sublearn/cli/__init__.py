"""The command line: what is typed, what is printed, how a command ends. It computes nothing."""

from sublearn.cli.app import cli, main

__all__ = ["cli", "main"]
