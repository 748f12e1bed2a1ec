"""The physics: fixed-point numbers, random numbers, recipe, simulation and tokens.

Here: everything that determines a rollout's bytes. Not here: files, labels, Dagster.
"""
