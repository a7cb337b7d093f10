"""Guards the tables whose primary key has several columns against Piccolo's one-column row methods."""

from typing import NoReturn

__all__ = ["CompositeKeyRows"]


class CompositeKeyRows:
    """Mixed in before Table: such rows are written with insert, update and delete with a where clause.

    Piccolo addresses a row by the last key column only, so that `save`, `remove`, `refresh` and `update_self`
    would touch other rows; each raises TypeError instead.
    """

    def save(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Raises TypeError."""
        self._refuse("save", "update(...).where(...)")

    def remove(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Raises TypeError."""
        self._refuse("remove", "delete().where(...)")

    def refresh(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Raises TypeError."""
        self._refuse("refresh", "select().where(...)")

    def update_self(self, *_args: object, **_kwargs: object) -> NoReturn:
        """Raises TypeError."""
        self._refuse("update_self", "update(...).where(...)")

    def _refuse(self, method: str, instead: str) -> NoReturn:
        raise TypeError(
            f"{type(self).__name__} has a key of several columns: use {instead} instead of {method}()"
        )
