"""A store at a glance: what goes on, how fast, who is behind it, and which alerts would fire."""
