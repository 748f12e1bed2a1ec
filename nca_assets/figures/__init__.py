"""Pictures of rollouts and of warehouse tables.

Covers turning tokens and tables into images; not computing them, nor Dagster.
"""
