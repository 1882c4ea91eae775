"""From the tutorial's design to the controlled one, one change a rung."""
