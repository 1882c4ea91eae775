"""Published mechanisms of subliminal learning in language models, on tiny bases: `sublearn replicate --language`."""
