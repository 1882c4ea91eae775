"""Language models: an animal caught from number sequences."""
