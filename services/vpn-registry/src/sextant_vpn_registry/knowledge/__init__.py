"""What vpn-registry knows of api's runs and nodes: asked once, kept by events, mended by a reconciler."""
