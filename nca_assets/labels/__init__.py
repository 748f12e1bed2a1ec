"""Behavior labels: metrics of a rollout's tokens, its class, and the label table's schema.

Here: definitions that need only the tokens. Not here: how tokens are made or stored, and anything of Dagster.
"""
