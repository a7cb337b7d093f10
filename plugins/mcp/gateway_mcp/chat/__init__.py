"""Tools of MCP servers in requests of models: offered to the model, and called for it."""
