"""What is asked of a place that keeps secrets."""

from typing import Protocol

__all__ = ["SecretKeeper"]


class SecretKeeper(Protocol):
    """One place that keeps secrets. Raises ServiceUnavailable, without address or secret in its message."""

    async def check(self) -> None:
        """Find out whether it lets this gateway in."""
        ...

    async def read(self, name: str) -> str | None:
        """The secret of a name; None where there is none."""
        ...
