"""Families of rules: each is data and one small function, in a module of its own. ``catalog`` lists them all."""
