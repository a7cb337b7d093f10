"""MCP servers of the database: made, changed, shown."""
