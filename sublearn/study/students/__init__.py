"""Many students of one tiny base that differ in one thing each, with controls that are trained alike."""
