"""The transport before streamable HTTP, toward clients: a stream of events, and an address to post to."""
