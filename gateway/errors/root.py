"""The error of which all others are kinds."""

from collections.abc import Mapping

__all__ = ["GatewayError"]


class GatewayError(Exception):
    """An error with everything that an OpenAI-shaped answer needs.

    `message` is a sentence for the API user: what was wrong, where, and what to do. `param` names the
    offending member or header. `headers` go on the answer (`retry-after`). `details` are further
    machine-readable members of the error object. `status` and `type` override those of the class.
    `envelope` are members beside the error object, for clients that look for another protocol's answer.
    """

    status: int = 500
    type: str = "internal_server_error"

    def __init__(
        self,
        message: str,
        *,
        param: str | None = None,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, object] | None = None,
        status: int | None = None,
        type: str | None = None,  # noqa: A002  the member of the OpenAI error object has this name
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.headers = headers or {}
        self.details = details or {}
        self.envelope: Mapping[str, object] = {}
        if status is not None:
            self.status = status
        if type is not None:
            self.type = type
