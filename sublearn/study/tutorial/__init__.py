"""The tutorial's own experiment, to the number."""
