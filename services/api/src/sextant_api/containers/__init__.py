"""Algorithm containers as callers: what a container's token is good for ends with the run it belongs to."""
