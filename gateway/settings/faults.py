"""Collects what is wrong with a configuration, so that one run tells all of it."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from gateway.errors import ConfigError, ConfigErrors

__all__ = ["Faults"]

T = TypeVar("T")


class Faults:
    """Errors of several readings, each once, in the order in which they were found."""

    def __init__(self) -> None:
        # By message, which has the place in it: values are read twice, and an alias stands in many places.
        self._found: dict[str, ConfigError] = {}

    def add(self, error: ConfigError) -> None:
        """Note an error; one that stands for several is taken apart."""
        for one in error.errors:
            self._found.setdefault(one.message, one)

    @contextmanager
    def collect(self) -> Generator[None]:
        """Note the ConfigError that ends the block, and go on after it."""
        try:
            yield
        except ConfigError as error:
            self.add(error)

    def attempt(self, read: Callable[[], T], otherwise: T) -> T:
        """What `read` returns, or `otherwise` where it raised a ConfigError, which is noted."""
        with self.collect():
            return read()
        return otherwise

    def refuse(self) -> None:
        """Raise what was found, if anything: one ConfigError by itself, several as ConfigErrors."""
        found = tuple(self._found.values())
        if len(found) == 1:
            raise found[0]
        if found:
            raise ConfigErrors(_by_place(found))


def _by_place(errors: tuple[ConfigError, ...]) -> list[ConfigError]:
    """File by file as they first came up, from top to bottom; what stands in no file last."""
    files: dict[str, int] = {}
    for error in errors:
        if error.file is not None:
            files.setdefault(error.file, len(files))
    return sorted(errors, key=lambda error: (files.get(error.file or "", len(files)), error.line or 0))
