"""Pure measures of what a model does."""
