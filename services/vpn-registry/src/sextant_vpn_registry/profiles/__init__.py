"""VPN profiles of nodes."""
