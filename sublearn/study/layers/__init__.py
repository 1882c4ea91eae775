"""Which parts of an init have to be shared."""
