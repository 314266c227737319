"""vpn-registry: tells algorithm containers of different nodes how to reach each other."""
