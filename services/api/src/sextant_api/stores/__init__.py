"""Algorithm stores: where the algorithms are from that a collaboration uses, and how they are asked."""
