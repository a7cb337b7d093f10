"""An HTTP/1.1 client (RFC 9112) whose calls stop at once when they are cancelled."""
