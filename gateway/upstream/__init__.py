"""The HTTP clients behind one small protocol, streams, and the providers that speak OpenAI."""
