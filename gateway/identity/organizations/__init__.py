"""Organizations and who administers them."""
