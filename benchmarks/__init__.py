"""Measured speed and memory, as ratios within one run. Machines differ and are shared: compare ratios, not times."""
