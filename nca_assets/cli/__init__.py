"""The ``nca`` command; each subcommand calls the science or runs a job, and prints the result.

Here: arguments, printing, exit status. Not here: anything a program would want to call.
"""
