"""msgspec structs, one to one with the bytes on the network."""
