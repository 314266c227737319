"""Names of columns in the nodes' databases, for user interfaces: known from the nodes, or to be asked of them."""
