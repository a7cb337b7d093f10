"""A plugin's own section of the configuration, decoded strictly into the struct that the plugin declares."""

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

import msgspec

from gateway.domain import Secret
from gateway.errors import PluginError
from gateway.hooks.implementations import nearest

__all__ = ["decode_settings"]

_Settings = TypeVar("_Settings", bound=msgspec.Struct)


def decode_settings(
    plugin: str, section: Mapping[str, object], declared: type[_Settings], path: str = ""
) -> _Settings:
    """Decode a plugin's section; raises PluginError with the path of a key or value that does not fit.

    `path` is where the section stands, if that is not the usual place. A key that the struct does not know is
    refused, also deep inside and also where the struct itself would ignore it: a misspelt switch of a guard
    must not leave the guard off. A member of type `gateway.domain.Secret` is read from a string.
    """
    path = path or f"gatewright.plugins.settings.{plugin}"
    for place, key, known in _unknown_keys(section, msgspec.inspect.type_info(declared), path):
        message = f"{place}: there is no setting '{key}'.{nearest(key, known)}"
        raise PluginError(plugin, message, path=f"{place}.{key}")
    try:
        return msgspec.convert(section, declared, dec_hook=_decode_secret)
    except msgspec.ValidationError as error:
        message, _, place = str(error).partition(" - at `$")
        where = path + place.rstrip("`")
        raise PluginError(plugin, f"{where}: {message}.", path=where) from error


def _decode_secret(expected: type, value: object) -> object:
    if expected is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError(f"Expected `{'str' if expected is Secret else expected.__name__}`")


def _unknown_keys(
    value: object, expected: msgspec.inspect.Type, path: str
) -> Iterable[tuple[str, str, list[str]]]:
    """Walk a section beside its type; yield the path, the unknown key and the keys known there."""
    match expected:
        case msgspec.inspect.StructType() if isinstance(value, Mapping):
            fields = {field.encode_name: field.type for field in expected.fields}
            members = cast(
                "Mapping[str, object]", value
            )  # YAML mappings; a wrong key type is msgspec's to find
            for key, member in members.items():
                if key not in fields:
                    yield path, key, list(fields)
                else:
                    yield from _unknown_keys(member, fields[key], f"{path}.{key}")
        case msgspec.inspect.UnionType():
            yield from _unknown_in_union(value, expected.types, path)
        case msgspec.inspect.DictType() if isinstance(value, Mapping):
            for key, member in cast("Mapping[str, object]", value).items():  # as above
                yield from _unknown_keys(member, expected.value_type, f"{path}.{key}")
        case _:
            item_type: Any = getattr(expected, "item_type", None)
            if item_type is not None and isinstance(value, list):
                for index, item in enumerate(cast("list[object]", value)):  # a list of a JSON-like document
                    yield from _unknown_keys(item, item_type, f"{path}[{index}]")


def _unknown_in_union(
    value: object, types: tuple[msgspec.inspect.Type, ...], path: str
) -> Iterable[tuple[str, str, list[str]]]:
    """A key is unknown in a union when every member that could hold the value lacks it."""
    structs = [member for member in types if isinstance(member, msgspec.inspect.StructType)]
    if len(structs) == 1:
        yield from _unknown_keys(value, structs[0], path)
    elif not structs:
        for member in types:
            yield from _unknown_keys(value, member, path)
