"""Variables that references of the database name, and which of these are not set."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Protocol

__all__ = ["NO_SECRETS", "Environ", "SecretSource"]


class Environ(Mapping[str, str]):
    """The variables of `given`; `missing` collects the names that were looked up in vain."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self.missing: set[str] = set()
        self._given = given

    def __getitem__(self, name: str) -> str:
        """Return the value of a variable."""
        try:
            return self._given[name]
        except KeyError:
            self.missing.add(name)
            raise

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._given)

    def __len__(self) -> int:
        """Return how many variables there are."""
        return len(self._given)


class SecretSource(Protocol):
    """Where secrets are that are no variables."""

    def configure(self, said: Mapping[str, Mapping[str, object]]) -> None:
        """Read there from now on."""
        ...

    async def find(self, names: Iterable[str]) -> dict[str, str]:
        """The secrets of these names, as far as there are any."""
        ...

    async def renew(self) -> bool:
        """Read again what was read a while ago; whether anything has changed."""
        ...


class _NoSecrets:
    """There are none."""

    def configure(self, said: Mapping[str, Mapping[str, object]]) -> None:
        """Do nothing."""

    async def find(self, names: Iterable[str]) -> dict[str, str]:  # noqa: ARG002  the protocol's
        """Find nothing."""
        return {}

    async def renew(self) -> bool:
        """Find nothing anew."""
        return False


NO_SECRETS: SecretSource = _NoSecrets()
