"""That the benchmark runs; what it measures is nobody's assertion."""
