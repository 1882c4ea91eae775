"""What commands and Python hand out: results as values that are shown, drawn, written and read back."""
