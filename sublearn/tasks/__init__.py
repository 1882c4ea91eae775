"""Where inputs and labels come from; no task knows a model."""
