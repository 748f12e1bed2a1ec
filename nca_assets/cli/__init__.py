"""The ``nca`` command: thin; each command calls the science or runs a job and prints what came of it.

Here: arguments, printing, exit status. Not here: anything that a program would want to call.
"""
