"""A model of any size, end to end: rows by a server, LoRA under accelerate, preferences by a server.

Each stage runs in processes of its own, which end with this one; what it makes is whole or not there.
"""
