"""Read `general_settings.pass_through_endpoints`: paths that lead to services outside of the gateway."""

import difflib
import hashlib
from collections.abc import Mapping
from urllib.parse import urlsplit

from gateway.domain import PassThrough
from gateway.errors import ConfigError
from gateway.settings.budgets import read_usd
from gateway.settings.model import SettingsNotice
from gateway.settings.node import Node, config_error
from gateway.settings.pass_through_headers import read_headers
from gateway.settings.readers import (
    one_of,
    read_boolean,
    read_each,
    read_items,
    read_mapping,
    read_seconds,
    read_text,
    read_values,
)

__all__ = ["METHODS", "PASS_THROUGHS", "read_pass_through", "read_pass_throughs"]

PASS_THROUGHS = "pass_through_endpoints"  # noqa: S105  it is no secret
METHODS = ("DELETE", "GET", "PATCH", "POST", "PUT")
"""The methods of a pass-through that names none."""

_MEMBERS = frozenset(
    {
        *("id", "path", "target", "headers", "default_query_params", "include_subpath", "cost_per_request"),
        *("timeout", "auth", "guardrails", "is_from_config", "methods", "forward_headers"),
        "merge_query_params",
    }
)
_LONGEST_PATH = 500
_UNSAFE = frozenset("%?#\\{}*;")
_CLOSENESS = 0.8
_NO_ADDRESS = "Expected an address that begins with http:// or https://."
_read_method = one_of(*METHODS, "HEAD", "OPTIONS")


def read_pass_throughs(
    root: Node, environ: Mapping[str, str], notices: list[SettingsNotice]
) -> tuple[PassThrough, ...]:
    """All pass-throughs of a configuration. Raises ConfigError for all that are wrong."""
    section = root.member("general_settings")
    declared = None if section is None else section.member(PASS_THROUGHS)
    items = [] if declared is None else read_items(declared)
    found = read_each(items, lambda item: read_pass_through(item, environ, notices, is_from_config=True))
    _refuse_twins(found, items)
    return tuple(found)


def read_pass_through(
    node: Node, environ: Mapping[str, str], notices: list[SettingsNotice], *, is_from_config: bool
) -> PassThrough:
    """One pass-through; `environ` has the variables that its headers refer to. Raises ConfigError."""
    members = read_mapping(node)
    _review(node, members, notices)
    path, methods = _read_path(_required(node, "path")), _read_methods(members.get("methods"))
    headers = read_headers(members.get("headers"), environ)
    timeout = members.get("timeout")
    given = {
        name: read_boolean(members[name])
        for name in ("include_subpath", "auth", "forward_headers")
        if name in members
    }
    return PassThrough(
        id=read_text(members["id"]) if "id" in members else _id_of(path, methods),
        path=path,
        target=_read_target(_required(node, "target")),
        methods=methods,
        headers=headers.sent,
        caller_header=headers.of_caller,
        query=_read_query(members.get("default_query_params")),
        includes_subpath=given.get("include_subpath", False),
        forwards_headers=given.get("forward_headers", False),
        asks_for_key=given.get("auth", True),
        cost_nanos=read_usd(members["cost_per_request"]) if "cost_per_request" in members else 0,
        timeout_seconds=None if timeout is None else _read_timeout(timeout),
        guardrails=_read_guardrails(members.get("guardrails")),
        is_from_config=is_from_config,
    )


def _required(node: Node, name: str) -> Node:
    found = node.member(name)
    if found is None:
        raise config_error(node, f"The pass-through has no '{name}'.")
    return found


def _review(node: Node, members: Mapping[str, Node], notices: list[SettingsNotice]) -> None:
    for name, child in members.items():
        if name in _MEMBERS:
            continue
        near = difflib.get_close_matches(name, _MEMBERS, n=1, cutoff=_CLOSENESS)
        if near:
            message = f"There is no key '{name}' here. Did you mean '{near[0]}'?"
            raise config_error(child, message, allowed=near)
        text = "This is not a key the gateway knows; it has no effect."
        notices.append(SettingsNotice(child.path, text, node.file, child.line))


def _read_path(node: Node) -> str:
    path = read_text(node).rstrip("/")
    segments = path.split("/")[1:]
    is_plain = path.startswith("/") and path.isprintable() and _UNSAFE.isdisjoint(path)
    if not is_plain or len(path) > _LONGEST_PATH or not {"", ".", ".."}.isdisjoint(segments):
        message = (
            "Expected a path such as /rerank, without empty segments, dots or patterns; "
            "'include_subpath: true' takes in everything below it."
        )
        raise config_error(node, message)
    return path


def _read_target(node: Node) -> str:
    target = read_text(node)
    try:
        parts = urlsplit(target)
        is_address = parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        raise config_error(node, _NO_ADDRESS) from None
    if not is_address or not target.isascii() or not target.isprintable() or " " in target:
        raise config_error(node, _NO_ADDRESS)
    if "@" in parts.netloc:
        raise config_error(node, "Expected an address without a user; a credential stands in 'headers'.")
    if parts.fragment:
        raise config_error(node, "Expected an address without a fragment.")
    return target


def _read_methods(node: Node | None) -> tuple[str, ...]:
    if node is None:
        return METHODS
    if not read_items(node):
        raise config_error(node, "Expected at least one method.", allowed=METHODS)
    upper = (Node(str(item.value).upper(), item.file, item.line, item.path) for item in read_items(node))
    return tuple(sorted(set(read_each(upper, _read_method))))


def _read_query(node: Node | None) -> dict[str, str]:
    return {} if node is None else read_values(read_mapping(node), _read_parameter)


def _read_parameter(node: Node) -> str:
    if isinstance(node.value, bool):
        return "true" if node.value else "false"
    return read_text(node)


def _read_guardrails(node: Node | None) -> tuple[str, ...]:
    """Names, or a mapping of names to the fields that LiteLLM shows them: here they see everything."""
    if node is None:
        return ()
    if isinstance(node.value, dict):
        # A name without fields is a name all the same.
        return tuple(node.value)
    return tuple(read_each(read_items(node), read_text))


def _read_timeout(node: Node) -> float:
    seconds = read_seconds(node)
    if seconds <= 0:
        raise config_error(node, "Expected more than 0 seconds.")
    return seconds


def _id_of(path: str, methods: tuple[str, ...]) -> str:
    """An id that is the same in every worker and after every start."""
    return hashlib.sha256(f"{path} {' '.join(methods)}".encode()).hexdigest()[:32]


def _refuse_twins(found: list[PassThrough], items: list[Node]) -> None:
    seen: dict[tuple[str, str], int] = {}
    ids: dict[str, int] = {}
    for index, one in enumerate(found):
        if ids.setdefault(one.id, index) != index:
            raise config_error(items[index], f"Two pass-throughs have the id '{one.id[:100]}'.")
        for method in one.methods:
            if seen.setdefault((one.path, method), index) != index:
                raise _twin(items[index], one.path, method)


def _twin(node: Node, path: str, method: str) -> ConfigError:
    return config_error(node, f"Another pass-through before this one already takes {method} {path}.")
