"""Whether the values of a key request make sense, whoever sends them."""

from collections.abc import Mapping
from typing import Any

from gateway.errors import BadRequest
from gateway.identity.budgets.request import check_budget
from gateway.identity.credentials import KEY_PREFIX
from gateway.identity.durations import Duration, parse_duration
from gateway.identity.faults import Faults
from gateway.identity.keys.request import GenerateKeyRequest
from gateway.identity.values import check_members

__all__ = ["NEVER", "check_changes", "check_secret", "check_values", "read_duration", "refuse"]

NEVER = "-1"
"""The `duration` of a key that does not expire."""

_TIMES = frozenset({"duration", "budget_duration", "rotation_interval"})
_FOR_EVER = ("duration", NEVER)
_SHORTEST_KEY = 16
_LONGEST_KEY = 512


def refuse(path: str, message: str) -> BadRequest:
    """The error for a value that cannot be; `path` names the member."""
    return BadRequest(f"{path}: {message}", param=path, type="bad_request_error")


def check_values(request: GenerateKeyRequest) -> None:
    """Raise BadRequest naming every member that is negative, endless, absurd or not readable."""
    faults = Faults()
    check_members(faults, {name: getattr(request, name) for name in request.__struct_fields__})
    if request.key is not None:
        _note_secret(faults, "key", request.key)
    if request.auto_rotate and request.rotation_interval is None:
        faults.add("rotation_interval", "auto_rotate needs an interval, for example 30d.")
    if request.budget_id is not None and request.soft_budget is not None:
        faults.add("soft_budget", "it makes a budget row of its own, so it cannot go with budget_id.")
    faults.refuse()


def check_changes(sent: Mapping[str, Any], row: Mapping[str, Any]) -> None:
    """The same for the members of an update, and for what they make of the stored row."""
    faults = Faults()
    # Nobody is none of an empty name, but an empty time is no time; the duration -1 is a word of its own.
    checked = {name: value for name, value in sent.items() if value != "" or name in _TIMES}
    check_members(faults, {name: value for name, value in checked.items() if (name, value) != _FOR_EVER})
    check_budget(faults, {name: sent.get(name) for name in ("temp_budget_increase", "temp_budget_expiry")})
    most = sent.get("max_budget", row["max_budget"])
    check_budget(faults, {"soft_budget": sent.get("soft_budget"), "max_budget": most})
    if sent.get("auto_rotate") and not sent.get("rotation_interval", row["rotation_interval"]):
        faults.add("rotation_interval", "auto_rotate needs an interval, for example 30d.")
    if sent.get("budget_id") and sent.get("soft_budget") is not None:
        faults.add("soft_budget", "it belongs to a budget row of its own, so it cannot go with budget_id.")
    faults.refuse()


def read_duration(path: str, text: str | None) -> Duration | None:
    """Read a duration of the request; raises BadRequest naming the member."""
    if text is None:
        return None
    try:
        return parse_duration(text)
    except ValueError as error:
        raise refuse(path, str(error)) from None


def check_secret(path: str, secret: str) -> None:
    """Raise BadRequest for a chosen secret that is too short, or not of the form of a key."""
    faults = Faults()
    _note_secret(faults, path, secret)
    faults.refuse()


def _note_secret(faults: Faults, path: str, secret: str) -> None:
    if not secret.startswith(KEY_PREFIX):
        faults.add(path, "Invalid key format. LiteLLM Virtual Key must start with 'sk-'.")
    elif not _SHORTEST_KEY <= len(secret) <= _LONGEST_KEY:
        faults.add(path, f"must have between {_SHORTEST_KEY} and {_LONGEST_KEY} characters.")
    elif not secret.isascii() or not secret.isprintable() or " " in secret:
        faults.add(path, "must consist of printable ASCII characters without spaces.")
