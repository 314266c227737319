"""The facts on which the services agree: names, shapes and routing keys.

Pure data (standard library and pydantic only). Whatever crosses a process boundary is a value from here,
never a string made on the spot.
"""
