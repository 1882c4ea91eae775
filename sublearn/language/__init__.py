"""Language models: a teacher's preference, number sequences, and students fine-tuned on them."""
