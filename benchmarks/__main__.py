"""`python -m benchmarks [NAME...]`: every table, or the named ones."""

import sys
from importlib import import_module

NAMES = ("tutorial", "scaling", "studies", "mnist", "precision", "language", "engines", "size", "calibration")
"""Every table but two that are asked for by name: `gpu`, which needs one, and `audit`, of runs that took hours."""

if __name__ == "__main__":
    for name in sys.argv[1:] or NAMES:
        import_module(f"benchmarks.{name}").main()
