"""`sextant demo`: three simulated stations, a federated average, and its result, against a real standalone server.

Nothing here is a stand-in for the server: the stations and the researcher speak to it over HTTP and sockets like any
other client. Only the stations are simulated: they compute in this process instead of starting containers.
"""

from sextant_standalone.demo.show import show_demo

__all__ = ["show_demo"]
