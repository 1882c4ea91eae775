"""`python -m sublearn`."""

from sublearn.cli import main

main()
