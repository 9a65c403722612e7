"""``jobledger worker``: jobs are run in this process, or in several that a supervisor keeps alive."""
