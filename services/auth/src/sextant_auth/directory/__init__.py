"""What auth knows of organizations and collaborations, which api owns."""
