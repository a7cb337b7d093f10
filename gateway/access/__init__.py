"""What a caller may do: route rules, field rules and the ordered checks of a request."""
