"""The demonstration: every file of Python's standard library becomes a job, and the books are checked against witnesses."""
