"""How models are trained; training writes no files."""
