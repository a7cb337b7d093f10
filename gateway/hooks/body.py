"""The body of a request: decoded member by member, and only where somebody asks."""

import msgspec

from gateway.errors import MalformedBody

__all__ = ["RequestBody"]

_decode_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_value = msgspec.json.Decoder().decode
_encode = msgspec.json.Encoder().encode


class RequestBody(msgspec.Struct, eq=False):
    """A JSON object whose members stay encoded until they are read.

    Reading a member decodes that member only; writing one replaces it. What nobody reads travels upstream
    byte for byte. Of a repeated name the last value counts, for the gateway and for the upstream alike.
    """

    # A struct, for its constructor is not a Python function.

    members: dict[str, msgspec.Raw]
    _decoded: dict[str, object] = {}

    # What a request says is nothing for a log.
    __repr__ = object.__repr__

    @classmethod
    def parse(cls, data: bytes | bytearray) -> "RequestBody":
        """Split a JSON object into its members; raises msgspec.DecodeError when it is not one."""
        return cls(_decode_members(data))

    def __contains__(self, name: str) -> bool:
        return name in self.members

    def read(self, name: str) -> object:
        """Return the decoded member, or None where there is none.

        The value is shared by everybody who reads it: change it with `write`. Raises MalformedBody when the
        member is not valid JSON, which shows only now.
        """
        decoded = self._decoded
        if name in decoded:
            return decoded[name]
        raw = self.members.get(name)
        if raw is None:
            return None
        try:
            value: object = _decode_value(raw)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise MalformedBody(f"The member '{name}' is not valid JSON: {error}.", param=name) from None
        except RecursionError:
            raise MalformedBody(f"The member '{name}' is nested too deeply.", param=name) from None
        decoded[name] = value
        return value

    def write(self, name: str, value: object) -> None:
        """Replace or add a member; what goes upstream is the new value."""
        self.members[name] = msgspec.Raw(_encode(value))
        self._decoded[name] = value

    def remove(self, name: str) -> None:
        """Take a member out, if it is there."""
        self.members.pop(name, None)
        self._decoded.pop(name, None)
