"""The gateway as it is shipped, before stand-ins for the services."""
