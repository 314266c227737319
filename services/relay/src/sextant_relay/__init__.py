"""relay: the websocket edge. Tells nodes and users what happened, and passes on what nodes say.

Owns nothing but the sockets it holds. What it sends are hints; the truth is pulled over HTTP.
"""
