"""Behavior labels: metrics of a rollout's tokens, its class, and the label table's schema.

Here: definitions that need only the tokens. Not here: making and storing tokens, Dagster.
"""
