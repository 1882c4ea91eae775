"""What lies on disk and on the hub: one way in for text, one way out for files. Knows no study and no torch."""
