"""Token sequences for language models: rollouts as one-dimensional text, as a stream or as flat files.

Not here: which rollouts there are and how they are read (``loading``).
"""
