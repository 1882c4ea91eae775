"""Language models in general: tokens, sampling, fine-tuning, preferences, and models that are kept. Knows no study."""
