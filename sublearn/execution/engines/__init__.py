"""Who runs the planned jobs."""
