"""Plain modules, each written for one run."""
