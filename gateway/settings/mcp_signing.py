"""Read with which key the tokens are signed that clients of MCP get."""

from gateway.domain import Secret
from gateway.settings.model import McpPublicKey, McpSigning
from gateway.settings.node import Node, config_error
from gateway.settings.readers import one_of, read_each, read_items, read_mapping, read_secret, read_text

__all__ = ["read_signing"]

_MEMBERS = ("algorithm", "kid", "private_key", "previous_public_keys")
_OF_PREVIOUS = ("kid", "public_key")
_LONGEST = 100
_read_algorithm = one_of("RS256")


def read_signing(node: Node) -> McpSigning:
    """The key and its predecessors; whether they are keys is seen when they are used. Raises ConfigError."""
    members = _read_known(node, _MEMBERS, ("kid", "private_key"))
    if "algorithm" in members:
        _read_algorithm(members["algorithm"])
    listed = members.get("previous_public_keys")
    signing = McpSigning(
        kid=_read_kid(members["kid"]),
        private_key=_unfold(read_secret(members["private_key"])),
        previous=tuple(read_each(read_items(listed), _read_previous)) if listed is not None else (),
    )
    kids = [signing.kid, *(one.kid for one in signing.previous)]
    twice = next((kid for kid in kids if kids.count(kid) > 1), None)
    if twice is not None:
        raise config_error(node, f"Two keys have the 'kid' {twice}: tokens say by it which one signed them.")
    return signing


def _read_previous(node: Node) -> McpPublicKey:
    members = _read_known(node, _OF_PREVIOUS, _OF_PREVIOUS)
    text = _unfold(read_secret(members["public_key"])).reveal()
    return McpPublicKey(kid=_read_kid(members["kid"]), public_key=text)


def _read_known(node: Node, known: tuple[str, ...], required: tuple[str, ...]) -> dict[str, Node]:
    members = read_mapping(node)
    for name, child in members.items():
        if name not in known:
            raise config_error(child, f"There is no key '{name}' here.", allowed=known)
    for name in required:
        if name not in members:
            raise config_error(node, f"'{name}' is missing here.")
    return members


def _read_kid(node: Node) -> str:
    kid = read_text(node).strip()
    if not 0 < len(kid) <= _LONGEST or not kid.isprintable():
        raise config_error(node, f"Expected a text of 1 to {_LONGEST} characters.")
    return kid


def _unfold(pem: Secret) -> Secret:
    r"""A key with its lines; in variables of the environment `\n` often stands for their ends."""
    return Secret(pem.reveal().replace("\\n", "\n"))
