"""The tutorial's prompts in the controlled design."""
