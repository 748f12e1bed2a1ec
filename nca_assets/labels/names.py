"""The names that labels give. Apart, since what only lists columns needs no compiler."""

CLASSES = (
    "static",
    "gliding",
    "translating",
    "periodic",
    "breathing",
    "synchronous",
    "quiet",
    "streaming",
    "radiating",
    "rhythmic",
    "turbulent",
    "noisy",
)
"""Classes of behavior, in the order in which they are tried."""

STUDENTS = ("frequency", "past", "history", "front", "square")
"""Counting students by what they look at, from nothing to nine cells."""

TIERS = ("none", "easy", "medium", "hard")
"""Tiers of difficulty, by how much there is to learn."""
