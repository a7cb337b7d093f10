"""What servers list."""

import msgspec

__all__ = ["KINDS", "Kind"]


class Kind(msgspec.Struct, frozen=True):
    """Something that servers list: the method that asks for it, and the member of the answer that has it.

    `key` is the member by which a thing is asked for: a name, or an address.
    """

    method: str
    member: str
    key: str


KINDS = {
    kind.method: kind
    for kind in (
        Kind("tools/list", "tools", "name"),
        Kind("prompts/list", "prompts", "name"),
        Kind("resources/list", "resources", "uri"),
        Kind("resources/templates/list", "resourceTemplates", "uriTemplate"),
    )
}
"""All lists, by their methods."""
