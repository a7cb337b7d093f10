"""How messages reach servers: by streamable HTTP, or as a server of another kind wants them."""
