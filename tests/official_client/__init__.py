"""Every method of the official clients, called once for real.

`program` plays the `steps` in the clients' venv: one process for a whole suite of them, which tells how each step ended
and which methods, with which arguments, it called. `test_official_client` asks for that in each shape, and compares it
with all that the clients have (`surface`). Steps know nothing of Sextant but what a user of the official client knows.
"""
