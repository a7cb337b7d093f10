"""Reading the query of a management request: member by member, with every fault named."""

from typing import Any, Generic, TypeVar, get_origin

import msgspec
from litestar import Request

from gateway.errors import ValidationFailed
from gateway.wire.faults import NUL_REFUSED, Fault, fault_at, fault_of

__all__ = ["QueryReader"]

T = TypeVar("T", bound=msgspec.Struct)


class QueryReader(Generic[T]):
    """Reads queries of one kind; made once per route. Members that the kind does not have are ignored.

    A member that may be a list takes all its values, any other one the last.
    """

    def __init__(self, kind: type[T]) -> None:
        self.kind = kind
        self._fields = msgspec.structs.fields(kind)
        self._lists = {field.name for field in self._fields if _is_list(field.type)}

    def read(self, request: Request[Any, Any, Any]) -> T:
        """Read the query; raises ValidationFailed, whose `details` have the contract's list of faults."""
        values: dict[str, Any] = {}
        faults: list[Fault] = []
        for field in self._fields:
            given = request.query_params.getall(field.encode_name, [])
            if not given:
                continue
            place = ["query", field.encode_name]
            try:
                value = given if field.name in self._lists else given[-1]
                values[field.name] = msgspec.convert(value, field.type, strict=False)
            except msgspec.ValidationError as error:
                faults.append(fault_of(error, place, field.type))
            if any("\0" in text for text in given):
                faults.append(fault_at(place, NUL_REFUSED))
        if faults:
            raise ValidationFailed(str(faults[0]["msg"]), details={"detail": faults})
        return self.kind(**values)


def _is_list(kind: Any) -> bool:
    return get_origin(kind) in (list, tuple)
