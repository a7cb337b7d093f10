"""Reading single claims by their paths."""

import re
from collections.abc import Mapping
from typing import cast

from gateway.errors import AuthenticationFailed
from gateway.identity.stored_values import as_object

__all__ = ["Claims"]

_LONGEST = 256
_MOST_TEXTS = 256
_DOT = re.compile(r"(?<!\\)\.")
_RESERVED = "_litellm_"
_MACHINES = frozenset({"at_hash", "c_hash", "s_hash", "nonce", "sid", "jti", "access_token", "refresh_token"})


class Claims:
    """The claims of one token. A claim that is missing, empty or of another type says nothing.

    Names that begin with `_litellm_` are the original's own marks; a token cannot set them.
    """

    def __init__(self, claims: Mapping[str, object]) -> None:
        self._claims = {name: value for name, value in claims.items() if not name.startswith(_RESERVED)}

    def beside(self, more: Mapping[str, object]) -> "Claims":
        """These claims, and those of another source that are not among them."""
        return Claims({**more, **self._claims})

    def shown(self) -> dict[str, object]:
        """The claims for the person whom they are of, without those that only machines check."""
        return {name: value for name, value in self._claims.items() if name not in _MACHINES}

    def find(self, path: str | None) -> object:
        """The value at a path: a claim of exactly this name, else name by name; None where there is none."""
        if path is None:
            return None
        if path in self._claims:
            return self._claims[path]
        found: object = self._claims
        for part in _DOT.split(path):
            members = as_object(found)
            if members is None:
                return None
            found = members.get(part.replace("\\.", "."))
        return found

    def text(self, path: str | None) -> str | None:
        """A text, or a whole number as one; raises AuthenticationFailed for one that no id can be."""
        value = self.find(path)
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not value.strip():
            return None
        return _checked(value, path)

    def first_text(self, path: str | None) -> str | None:
        """A text, a whole number as one, or the first text of a list."""
        return next(iter(self.texts(path)), None) or self.text(path)

    def texts(self, path: str | None) -> tuple[str, ...]:
        """A list of texts, or a single one; raises AuthenticationFailed for too many of them.

        A number in the place of a list is of a wrong type, and says nothing.
        """
        value = self.find(path)
        if not isinstance(value, list):
            single = self.text(path) if isinstance(value, str) else None
            return () if single is None else (single,)
        items = cast("list[object]", value)
        if len(items) > _MOST_TEXTS:
            raise AuthenticationFailed(
                f"Authentication Error, The token's claim '{path}' has more than {_MOST_TEXTS} items. "
                "Have the identity provider put in those that concern the gateway."
            )
        named = (_checked(item, path) for item in items if isinstance(item, str) and item)
        return tuple(dict.fromkeys(named))

    def words(self, *names: str) -> frozenset[str]:
        """The words of the first of these claims that there is: a list, or a text with spaces."""
        for name in names:
            value = self._claims.get(name)
            if isinstance(value, str):
                return frozenset(value.split())
            if isinstance(value, list):
                items = cast("list[object]", value)
                return frozenset(item for item in items if isinstance(item, str))
        return frozenset()


def _checked(value: str, path: str | None) -> str:
    if len(value) > _LONGEST or "\0" in value:
        raise AuthenticationFailed(
            f"Authentication Error, The token's claim '{path}' is longer than {_LONGEST} characters, or has "
            "a character in it that no id can have."
        )
    return value
