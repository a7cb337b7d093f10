"""The virtual keys that claims of tokens stand for."""
