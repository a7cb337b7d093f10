"""What is wrong with a request's values, gathered so that one answer names all of it."""

from gateway.errors import BadRequest

__all__ = ["Faults"]


class Faults:
    """Faults in the order in which they were found; `path` names the member."""

    def __init__(self) -> None:
        self._found: list[tuple[str, str]] = []

    def add(self, path: str, message: str) -> None:
        """Note a fault; `message` is a sentence for the API user."""
        self._found.append((path, message))

    def refuse(self) -> None:
        """Raise BadRequest naming every fault, its `param` the first; return when there is none."""
        if self._found:
            *others, last = (f"{path}: {text}" for path, text in self._found)
            message = "; ".join([*(text.rstrip(".") for text in others), last])
            raise BadRequest(message, param=self._found[0][0], type="bad_request_error")
