"""Real images in the controlled design: digits, mnist and fashion-mnist are three rows of it."""
