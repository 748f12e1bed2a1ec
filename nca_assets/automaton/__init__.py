"""The physics: fixed-point numbers, random numbers, recipe, simulation and tokens.

Here: everything that decides a rollout's bytes. Not here: files, labels, and anything that knows of Dagster.
"""
