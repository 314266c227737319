"""A benchmark of the running suite, in each of its shapes, through its public door.

`python -m bench` builds a world through the REST API, keeps clients busy with one kind of work after the other, prints
a table and writes JSON. It owns what is measured and how; it must not know how the services work inside.
"""
