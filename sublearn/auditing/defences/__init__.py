"""Defences against hidden traits, and a study that measures them on tiny bases: `sublearn defend`."""
