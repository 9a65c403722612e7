"""Stores remember; the door is the only way in."""
