"""Several servers under one roof: lists are put together, calls go to the server that a name begins with."""
