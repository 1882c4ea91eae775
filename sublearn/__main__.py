"""`python -m sublearn`."""

from sublearn.cli.app import main

main()
