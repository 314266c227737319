"""The credentials of nodes. What else there is to know of a node, api knows."""
