"""Whoever asks for offsets misses nothing, in every shape of the suite and whatever relay is killed."""
