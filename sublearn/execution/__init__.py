"""How studies are run: options, plans, engines, run directories. Trains nothing itself; needs no torch."""
