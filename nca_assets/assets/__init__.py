"""The asset graph, one module a stage; thin: each op calls the science and reports what it did.

Here: keys, dependencies, versions, metadata. Not here: any computation, checks, jobs and schedules (``automation``).
Heavy imports stay inside the ops, since every Dagster process loads these modules.
"""
