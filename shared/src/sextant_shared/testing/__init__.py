"""The test kit: a pytest plugin, real servers to test against, fakes and factories.

Only tests and benchmarks import it; nothing that runs in production does. It imports no service.
"""
