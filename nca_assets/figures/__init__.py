"""Pictures of rollouts and of what the warehouse says of them.

Here: turning tokens and tables into images. Not here: computing what they show, and Dagster.
"""
