"""Whether the alignment of gradients persists, and what is left of a transfer without it."""
