"""What the gateway says of itself: the OpenAPI document and the list of routes."""
