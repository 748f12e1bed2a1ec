"""Orchestration: partitions, jobs, schedules, checks, and the reports of a run in progress.

Not here: the assets themselves, or any science.
"""
