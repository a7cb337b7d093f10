"""Parameters that a deployment does not take, or that a request wants left out."""

from collections.abc import Iterable

import msgspec

from gateway.domain import Deployment
from gateway.errors import UnsupportedParams
from gateway.hooks.body import RequestBody

__all__ = ["drop", "drop_unwanted", "refuse_unsupported"]

_Members = dict[str, msgspec.Raw]

_KEPT = frozenset(
    {
        # They say what a request is, and what it may cost: the hold counts on them.
        *("model", "messages", "prompt", "input", "stream"),
        *("max_tokens", "max_completion_tokens", "max_output_tokens", "n", "best_of"),
    }
)
_ALWAYS_TAKEN = frozenset({"temperature", "n"})
"""Parameters whose value 1 everybody takes, because nothing else is meant without them."""

_ONE = frozenset({b"1", b"1.0"})


def drop(members: _Members, names: Iterable[str]) -> None:
    """Leave parameters out."""
    for name in names:
        members.pop(name, None)


def drop_unwanted(members: _Members, body: RequestBody) -> None:
    """Leave out what the caller names in `additional_drop_params`, except what its cost hangs on."""
    if "additional_drop_params" in body.members:
        drop(members, _names(body, "additional_drop_params") - _KEPT)


def refuse_unsupported(members: _Members, deployment: Deployment, body: RequestBody) -> None:
    """Raise UnsupportedParams for what the deployment does not take, or leave it out on demand.

    It says so with `drop_params`; what it names in `allowed_openai_params` is sent all the same.
    """
    found = (deployment.refused_params & members.keys()) - _names(body, "allowed_openai_params")
    given = [name for name in sorted(found) if _is_given(members, name)]
    if given and not _is_true(body, "drop_params"):
        raise UnsupportedParams(
            f"litellm.UnsupportedParamsError: {deployment.provider} does not take {', '.join(given)} for "
            f"model={deployment.group}. Leave that out, or have it left out: with 'drop_params': true in the "
            "request or in the gateway's litellm_settings. 'allowed_openai_params' in the request sends it "
            "all the same.",
            param=given[0],
        )
    drop(members, found)


def _is_given(members: _Members, name: str) -> bool:
    """Whether a parameter says anything; one that says what holds anyhow is left out without a word."""
    raw = bytes(members[name])
    return raw != b"null" and not (name in _ALWAYS_TAKEN and raw in _ONE)


def _names(body: RequestBody, name: str) -> set[str]:
    if name not in body.members:
        return set()
    value = body.read(name)
    items: list[object] = value if isinstance(value, list) else []  # pyright: ignore[reportUnknownVariableType]  JSON
    return {item for item in items if isinstance(item, str)}


def _is_true(body: RequestBody, name: str) -> bool:
    return name in body.members and body.read(name) is True
