"""Where algorithm containers find each other."""
