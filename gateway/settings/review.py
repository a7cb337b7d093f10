"""Compare a configuration with the known keys: refuse, list once, or let pass."""

from collections.abc import Iterator

from gateway.errors import ConfigError
from gateway.settings.faults import Faults
from gateway.settings.known.deployment import UNSENT_PREFIXES
from gateway.settings.known_keys import (
    CREDENTIAL_ITEM,
    MODEL_INFO,
    MODEL_ITEM,
    MODEL_PARAMS,
    RETRY_POLICY,
    SECTIONS,
    TOP,
    KnownKey,
    Standing,
    find_known_key,
    find_similar_key,
    is_open_family,
)
from gateway.settings.model import SettingsNotice
from gateway.settings.node import Node, config_error

__all__ = ["find_restricting_keys", "review_keys"]

_UNSUPPORTED = "This is not supported yet and has no effect."
_PLAIN_SECTIONS = ("general_settings", "litellm_settings", "router_settings")


def review_keys(root: Node, notices: list[SettingsNotice]) -> None:
    """Check every key of LiteLLM's sections; call it before references are resolved.

    Raises ConfigError for each key that is nearly a known one, and for restrictions that the gateway cannot
    enforce, all of these in one message.
    """
    review = _Review(notices)
    for section, node in _sections(root):
        review.section(section, node)
    review.finish()


def _sections(root: Node) -> Iterator[tuple[str, Node]]:
    yield TOP, root
    for name in _PLAIN_SECTIONS:
        section = root.member(name)
        if section is not None:
            yield name, section
    for name in ("router_settings", "litellm_settings"):
        section = root.member(name)
        policy = section.member("retry_policy") if section else None
        if policy is not None:
            yield RETRY_POLICY, policy
    yield from _list_sections(root)


def _list_sections(root: Node) -> Iterator[tuple[str, Node]]:
    for item in _items(root.member("model_list")):
        yield MODEL_ITEM, item
        for section, name in ((MODEL_PARAMS, "litellm_params"), (MODEL_INFO, "model_info")):
            part = item.member(name)
            if part is not None:
                yield section, part
    for item in _items(root.member("credential_list")):
        yield CREDENTIAL_ITEM, item


def _items(node: Node | None) -> list[Node]:
    return node.value if node is not None and isinstance(node.value, list) else []


def find_restricting_keys(root: Node) -> list[str]:
    """The key paths of settings that narrow access or spend, so that references below them must resolve."""
    found: list[str] = []
    for section, node in _sections(root):
        for name, child in _members(node):
            known = find_known_key(section, name)
            if known is not None and known.restricts:
                found.append(child.path)
    return found


def _members(node: Node) -> list[tuple[str, Node]]:
    return list(node.value.items()) if isinstance(node.value, dict) else []


class _Review:
    """Collects what there is to say, so that a key of five hundred deployments is listed once."""

    def __init__(self, notices: list[SettingsNotice]) -> None:
        self._notices = notices
        self._faults = Faults()
        self._refused: list[tuple[Node, KnownKey]] = []
        self._said: dict[tuple[str, str], tuple[Node, str]] = {}
        self._counts: dict[tuple[str, str], int] = {}

    def section(self, section: str, node: Node) -> None:
        """Check the keys of one section."""
        for name, child in _members(node):
            known = find_known_key(section, name)
            if known is None:
                self._unknown(section, name, child)
            elif known.standing is Standing.REFUSED and _does_restrict(known, child):
                self._refused.append((child, known))
            elif known.standing in {Standing.UNSUPPORTED, Standing.REFUSED} and not _is_inert(child):
                self._say(section, name, child, _UNSUPPORTED)
            elif known.standing is Standing.NO_EFFECT:
                self._say(section, name, child, f"This has no effect: {_lower_first(known.note)}")

    def finish(self) -> None:
        """Turn what was collected into notices; raises ConfigError for what is refused."""
        for key, (node, message) in self._said.items():
            more = self._counts[key] - 1
            text = f"{message} ({more} more of the same.)" if more else message
            self._notices.append(SettingsNotice(node.path, text, node.file, node.line))
        if self._refused:
            self._faults.add(_refusal(self._refused))
        self._faults.refuse()

    def _unknown(self, section: str, name: str, node: Node) -> None:
        if section == MODEL_PARAMS and name.startswith(UNSENT_PREFIXES):
            self._say(section, name, node, _UNSUPPORTED)
            return
        is_open = section in {MODEL_PARAMS, MODEL_INFO}
        if (is_open and is_open_family(name)) or (section == TOP and name.startswith("x-")):
            return
        home = _other_section(section, name)
        if home is not None and not is_open:
            self._say(section, name, node, f"This has no effect here; it belongs to {home}.")
            return
        similar = find_similar_key(section, name)
        if similar is not None:
            message = f"There is no key '{name}' here. Did you mean '{similar}'?"
            self._faults.add(config_error(node, message, allowed=(similar,)))
        elif section == MODEL_PARAMS:
            self._say(
                section, name, node, "This is not a key the gateway knows; it is sent upstream as it stands."
            )
        elif section != MODEL_INFO:
            # Operators keep notes of their own in model_info, as LiteLLM's documentation suggests.
            self._say(section, name, node, "This is not a key the gateway knows; it has no effect.")

    def _say(self, section: str, name: str, node: Node, message: str) -> None:
        key = (section, name)
        self._said.setdefault(key, (node, message))
        self._counts[key] = self._counts.get(key, 0) + 1


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]


def _other_section(section: str, name: str) -> str | None:
    for other in (*_PLAIN_SECTIONS, TOP):
        if other != section and name in SECTIONS[other]:
            return other or "the top level"
    return None


def _is_inert(node: Node) -> bool:
    """Whether the value switches its key off: false, or nothing in it. A budget of 0 is no such value."""
    return node.value is None or node.value is False or node.value in ("", [], {})


def _does_restrict(known: KnownKey, node: Node) -> bool:
    if _is_inert(node):
        return False
    if not known.refused_values and not known.is_code_refused:
        return True
    items = node.value if isinstance(node.value, list) else [node]
    return any(_is_refused_value(known, item) for item in items)


def _is_refused_value(known: KnownKey, item: Node) -> bool:
    if not isinstance(item.value, str):
        return True
    is_code = known.is_code_refused and "." in item.value
    return is_code or item.value.startswith("os.environ/") or item.value in known.refused_values


def _refusal(refused: list[tuple[Node, KnownKey]]) -> ConfigError:
    first, known = refused[0]
    others = [f"{node.path} ({node.file}:{node.line})" for node, _ in refused[1:]]
    message = (
        "This setting restricts access or spend, and this release cannot enforce it. Ignoring it would open "
        "what it closes, so the gateway does not start; remove it to accept that."
    )
    if known.note:
        message += f" {known.note}"
    if others:
        message += f" The same holds for: {', '.join(others)}."
    return config_error(first, message)
