"""Small loops that move work: claim, run, settle, and keep watch."""
