"""Fixed-point numbers that make every sum of the dynamics exact in float32.

A float32 holds every integer of magnitude up to 2**24. In units of its finest step, no partial sum of the dynamics can
exceed that bound (``Rule.largest_sum`` computes it), so neither the order of summation nor fused multiply-add nor the
convolution algorithm can change a bit.
"""

CHANNELS = 16
"""Channels of a cell's hidden state, and width of the hidden layer."""

TOKENS = 32
"""Size of the vocabulary."""

STATE_ONE = 1024
"""State, hidden activations and centroids are integers / 1024, in [-1, 1]."""

WEIGHT_ONE = 64
"""Weights, biases and the leak are integers / 64, in [-2, 2]."""

PRODUCT_ONE = STATE_ONE * WEIGHT_ONE
"""Sums of a convolution are integers / 65536."""

EXACT_LIMIT = 2**24
"""float32 represents every integer of magnitude up to this."""

FAN_IN = CHANNELS * 9
"""Terms in one output of a 3x3 convolution, bias aside."""
