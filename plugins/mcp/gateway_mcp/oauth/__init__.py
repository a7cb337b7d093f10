"""The gateway as a client of the authorization servers of MCP servers, in the name of its users."""
