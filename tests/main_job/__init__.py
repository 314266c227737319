"""The main job with the official clients, the same against every shape of the suite."""
