"""The asset graph, one module a stage; thin: each op calls the science and reports what it did.

Here: keys, dependencies, versions, metadata, checks and jobs. Not here: any computation (``workers`` and the science).
Heavy imports stay inside the ops, since every Dagster process loads these modules.
"""
