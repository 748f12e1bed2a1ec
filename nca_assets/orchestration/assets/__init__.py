"""The asset graph, one module per stage: keys, dependencies, versions, metadata. Ops call the science and report.

Not here: any computation (``workers`` and the science). Heavy imports stay inside the ops, since every Dagster process
loads these modules.
"""
