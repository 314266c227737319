"""Which nodes are online, what they share about themselves, and whether they should look for work.

A node is online while a connection of it has a lease that has not run out. relay opens, touches and closes
connections; here the leases are kept, judged by the database's clock, and settled by a sweep.
"""
