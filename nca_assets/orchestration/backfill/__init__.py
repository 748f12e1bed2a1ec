"""Asking for what is pending: the schedule, backfills from the command line, and the overview of what is left."""
