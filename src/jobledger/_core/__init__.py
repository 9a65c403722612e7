"""The pure core: it decides, and does nothing else. No await, no I/O, no clock, no chance."""
