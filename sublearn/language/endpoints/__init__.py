"""Models behind an OpenAI-compatible server: where one is, what it is asked, what it answers. No model, no torch."""
