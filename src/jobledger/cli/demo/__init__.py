"""The demonstration: each file of Python's standard library is a job, and witnesses check the books."""
