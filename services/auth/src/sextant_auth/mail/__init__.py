"""Mail to users: what is written, where it waits, and how it leaves.

A request only ever puts a letter into the queue, in its own transaction; whether a mail server is there is no matter
of the request's.
"""
