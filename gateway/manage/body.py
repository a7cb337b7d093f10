"""Reading the body of a management request: member by member, with every fault named."""

import re
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Generic, TypeVar, cast

import msgspec
from litestar import Request

from gateway.errors import ValidationFailed
from gateway.wire.faults import NUL_REFUSED, Fault, fault_at, fault_of, missing_at

__all__ = ["IGNORED_HEADER", "STRICT_HEADER", "BodyReader", "ReadBody", "is_strict"]

IGNORED_HEADER = "x-gatewright-ignored-fields"
STRICT_HEADER = "x-gatewright-strict"

T = TypeVar("T", bound=msgspec.Struct)

_split = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
# Names come from the client and go into a header: only such as cannot end it.
_HEADER_SAFE = re.compile(r"[A-Za-z0-9_.\-]{1,64}")
_MOST_NAMES = 20


class ReadBody(msgspec.Struct, Generic[T], frozen=True):
    """A body as its struct, which members were sent, and the names of those that the struct does not have."""

    value: T
    ignored: tuple[str, ...]
    sent: Mapping[str, Any] = {}
    """The sent members by name: an explicit null is there, what was left out is not."""

    @property
    def headers(self) -> dict[str, str]:
        """The response header that names what was ignored, if anything was."""
        if not self.ignored:
            return {}
        shown = [name if _HEADER_SAFE.fullmatch(name) else "?" for name in self.ignored[:_MOST_NAMES]]
        return {IGNORED_HEADER: ", ".join(shown)}


class BodyReader(Generic[T]):
    """Reads bodies of one kind; made once per route.

    Numbers and booleans in quotes are accepted, as the contract's own reader does.
    """

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind
        self._fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
        self._decoders = {
            name: msgspec.json.Decoder[Any](field.type, strict=False) for name, field in self._fields.items()
        }

    async def read_from(self, request: Request[Any, Any, Any]) -> ReadBody[T]:
        """Read the body of a request, strictly if its header asks for that; raises ValidationFailed."""
        return self.read(await request.body(), refuses_unknown=is_strict(request.headers))

    def read(self, data: bytes, *, refuses_unknown: bool = False) -> ReadBody[T]:
        """Read a JSON object.

        Raises ValidationFailed, whose `details` have the contract's `detail: [{loc, msg, type}]`, for
        everything that is wrong with it; unknown members are wrong only if `refuses_unknown`.
        """
        members = _members_of(data)
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for name, field in self._fields.items():
            raw = members.get(name)
            if raw is not None:
                _decode_into(values, faults, field, self._decoders[name], raw)
            elif field.required:
                faults.append(missing_at(["body", name]))
        unknown = tuple(name for name in members if name not in self._fields)
        if refuses_unknown:
            faults.extend(self._unknown_faults(unknown))
        if rb"\u0000" in data:
            faults.extend(_nul_faults(values))
        if faults:
            raise _refusal(faults)
        return ReadBody(self.kind(**values), unknown, values)

    def _unknown_faults(self, names: Sequence[str]) -> Iterator[Fault]:
        for name in names:
            near = get_close_matches(name, self._fields, n=1)
            hint = f" Did you mean '{near[0]}'?" if near else ""
            yield fault_at(["body", name[:200]], f"There is no such member.{hint}", "extra_forbidden")


def is_strict(headers: Mapping[str, str]) -> bool:
    """Whether the client asks for unknown members to be refused."""
    return headers.get(STRICT_HEADER, "").strip().lower() in {"true", "1"}


def _members_of(data: bytes) -> dict[str, msgspec.Raw]:
    try:
        return _split(data)
    except msgspec.ValidationError as error:
        raise _refusal([fault_at(["body"], str(error), "model_attributes_type")]) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _refusal([fault_at(["body"], f"JSON decode error: {error}", "json_invalid")]) from None
    except RecursionError:
        raise _refusal([fault_at(["body"], "The body is nested too deeply.", "json_invalid")]) from None


def _decode_into(
    values: dict[str, Any],
    faults: list[Fault],
    field: msgspec.structs.FieldInfo,
    decoder: "msgspec.json.Decoder[Any]",
    raw: msgspec.Raw,
) -> None:
    place = ["body", field.encode_name]
    try:
        values[field.name] = decoder.decode(raw)
    except msgspec.ValidationError as error:
        faults.append(fault_of(error, place, field.type))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        faults.append(fault_at(place, f"JSON decode error: {error}", "json_invalid"))
    except RecursionError:
        faults.append(fault_at(place, "The value is nested too deeply.", "json_invalid"))


def _nul_faults(values: Mapping[str, object]) -> Iterator[Fault]:
    for name, value in values.items():
        if _has_nul(value):
            yield fault_at(["body", name], NUL_REFUSED)


def _has_nul(value: object) -> bool:
    if isinstance(value, str):
        return "\0" in value
    if isinstance(value, msgspec.Struct):
        return _has_nul(msgspec.structs.asdict(value))
    if isinstance(value, dict):
        items = cast("Mapping[object, object]", value).items()  # of unknown JSON values
        return any(_has_nul(name) or _has_nul(inner) for name, inner in items)
    if isinstance(value, list | tuple):
        return any(_has_nul(inner) for inner in cast("Sequence[object]", value))  # of unknown JSON values
    return False


def _refusal(faults: list[Fault]) -> ValidationFailed:
    first = faults[0]
    where = ".".join(str(part) for part in cast("list[object]", first["loc"]))  # made by `fault_at`
    return ValidationFailed(f"{where}: {first['msg']}", param=where, details={"detail": faults})
