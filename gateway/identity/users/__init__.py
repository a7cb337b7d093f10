"""Internal users."""
