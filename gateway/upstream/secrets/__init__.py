"""Reading secrets where they are kept outside the gateway."""
