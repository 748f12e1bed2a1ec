"""How the assets are run: partitions, jobs, checks, and what a run reports while it works.

Here: wiring. Not here: the assets themselves, and any science.
"""
