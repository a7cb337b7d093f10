"""What the authorization server refuses, in the words of RFC 6749, 5.2."""

from gateway.errors import BadRequest

__all__ = ["OAuthRefusal"]


class OAuthRefusal(BadRequest):
    """A refusal that a client of OAuth understands; `error` is its code."""

    def __init__(self, error: str, message: str) -> None:
        super().__init__(message, type="bad_request_error")
        self.error = error
        if error == "invalid_client":
            self.status = 401
