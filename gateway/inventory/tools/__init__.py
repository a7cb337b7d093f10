"""The registry of tools, and what the operator says of them."""
