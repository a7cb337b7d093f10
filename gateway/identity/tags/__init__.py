"""Tags that carry a budget."""
