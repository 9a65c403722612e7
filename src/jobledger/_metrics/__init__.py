"""Metrics as they are read and rendered: only what was committed, and never a change."""
