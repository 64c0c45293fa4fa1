"""Keeping it running: health, the integrity check, housekeeping of what only accumulates."""
