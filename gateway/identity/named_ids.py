"""The lists of ids with which a request names what it is about."""

from collections.abc import Iterable

from gateway.identity.faults import Faults
from gateway.identity.values import check_text

__all__ = ["MOST_NAMED", "read_ids"]

MOST_NAMED = 500
"""Rows that one request changes or deletes at most."""


def read_ids(path: str, ids: Iterable[str]) -> list[str]:
    """The ids, each once. Raises BadRequest for none, for too many, and for what can be no id."""
    wanted = list(dict.fromkeys(ids))
    faults = Faults()
    if not 1 <= len(wanted) <= MOST_NAMED:
        faults.add(path, f"must have between 1 and {MOST_NAMED} entries. Received: {len(wanted)}")
    else:
        for index, identifier in enumerate(wanted):
            check_text(faults, f"{path}[{index}]", identifier)
    faults.refuse()
    return wanted
