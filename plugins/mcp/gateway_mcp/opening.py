"""What clients are told of revisions of the protocol, and by the operator when they begin with a server."""

from typing import cast

from gateway_mcp.revisions import UNSUPPORTED, Revisions
from gateway_mcp.wire import Object

__all__ = ["OPENING", "VERSION", "Opening", "Spoken"]

OPENING = ("initialize", "server/discover")
"""The methods by which clients begin."""
VERSION = "protocolVersion"
_VERSIONS, _SUPPORTED = "supportedVersions", "supported"
_CODE = str(UNSUPPORTED).encode()


class Spoken:
    """Edits answers of servers that refuse a revision: of those that they speak only `revisions` are told."""

    def __init__(self, revisions: Revisions) -> None:
        self._revisions = revisions

    def may_matter(self, data: bytes) -> bool:
        """Whether there may be anything to edit in an answer."""
        return self._revisions.is_limited and _CODE in data

    def edit(self, message: Object) -> bool:
        """Edit a message of a server; says whether anything of it was changed."""
        error = message.get("error")
        stated = cast("Object", error) if isinstance(error, dict) else {}
        data = stated.get("data")
        is_meant = stated.get("code") == UNSUPPORTED and isinstance(data, dict)
        return is_meant and self._keep(cast("Object", data), _SUPPORTED)

    def _keep(self, holder: Object, member: str) -> bool:
        """Leave the revisions of a list that are spoken here."""
        stated = holder.get(member)
        kept = self._revisions.keep(stated)
        if not isinstance(stated, list) or len(kept) == len(cast("list[object]", stated)):
            return False
        holder[member] = kept
        return True


class Opening(Spoken):
    """The same for a client that begins; `instructions` stand in the place of those of the server."""

    def __init__(self, revisions: Revisions, instructions: str) -> None:
        super().__init__(revisions)
        self._instructions = instructions

    def may_matter(self, data: bytes) -> bool:
        """See Spoken."""
        return bool(self._instructions) or self._revisions.is_limited or super().may_matter(data)

    def edit(self, message: Object) -> bool:
        """See Spoken."""
        stated = message.get("result")
        if not isinstance(stated, dict):
            return super().edit(message)
        result = cast("Object", stated)
        agreed = result.get(VERSION)
        if agreed is not None and not self._revisions.has(agreed):
            self._refuse(message, str(agreed))
            return True
        if self._instructions:
            result["instructions"] = self._instructions
        return self._keep(result, _VERSIONS) or bool(self._instructions)

    def _refuse(self, message: Object, agreed: str) -> None:
        refusal = self._revisions.refuse(agreed)
        del message["result"]
        text = f"The MCP server speaks another revision than its clients may. {refusal.message}"
        message["error"] = {"code": UNSUPPORTED, "message": text, **refusal.details}
