"""Families of rules. Each is data and one small function in a module of its own; ``catalog`` lists them with their shares."""
