"""What kinds of guardrail are installed, and the parameters that each of them takes."""

import ast
import inspect
import itertools
import textwrap
import types
import typing
from collections.abc import Iterator, Mapping
from enum import Enum
from typing import Annotated, Any, Literal, cast

import msgspec

from gateway.errors import ConfigError
from gateway.guardrails.kinds import Kinds
from gateway.sdk import Guardrail

__all__ = ["KindFacts", "Parameter", "list_kinds"]


_TYPES: Mapping[object, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter; `options` are its possible values where they are few."""

    name: str
    type: str
    required: bool
    description: str = ""
    default_value: object = None
    options: tuple[object, ...] = ()


class KindFacts(msgspec.Struct, frozen=True, kw_only=True):
    """One kind by its name; `fault` says why it cannot be used."""

    name: str
    description: str = ""
    parameters: tuple[Parameter, ...] = ()
    fault: str = ""


def list_kinds(kinds: Kinds | None = None) -> list[KindFacts]:
    """Every installed kind, in the order of the names; imports all of them."""
    kinds = kinds or Kinds()
    return [_describe(kinds, name) for name in kinds.names]


def _describe(kinds: Kinds, name: str) -> KindFacts:
    try:
        target = kinds.load(name)
    except ConfigError as error:
        return KindFacts(name=name, fault=error.message)
    module = inspect.getmodule(target)
    described = inspect.getdoc(module) or inspect.getdoc(target) or ""
    return KindFacts(
        name=name,
        description=_first_sentence(inspect.getdoc(target) or described),
        parameters=tuple(_list_parameters(target)),
    )


def _list_parameters(target: type[Guardrail]) -> Iterator[Parameter]:
    declared: object = getattr(target, "Params", None)
    if not (inspect.isclass(declared) and issubclass(declared, msgspec.Struct)):
        return
    told = _read_docstrings(declared)
    for field in msgspec.structs.fields(declared):
        default = field.default
        if default is msgspec.NODEFAULT and field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        yield Parameter(
            name=field.encode_name,
            type=_name_type(field.type),
            required=field.required,
            description=told.get(field.name, ""),
            default_value=None if default is msgspec.NODEFAULT else _plain(default),
            options=tuple(_options(field.type)),
        )


def _read_docstrings(declared: type) -> dict[str, str]:
    """The strings that stand behind the members of a class, by their names."""
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(declared)))
    except (OSError, TypeError, SyntaxError):
        return {}
    body = cast("ast.ClassDef", tree.body[0]).body
    found: dict[str, str] = {}
    for member, told in itertools.pairwise(body):
        if not (isinstance(member, ast.AnnAssign) and isinstance(member.target, ast.Name)):
            continue
        if isinstance(told, ast.Expr) and isinstance(told.value, ast.Constant):
            found[member.target.id] = inspect.cleandoc(str(told.value.value))
    return found


def _name_type(declared: Any) -> str:
    """The name of a type as people of any language read it."""
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin in (typing.Union, types.UnionType):
        return " or ".join(_name_type(one) for one in arguments if one is not type(None))
    if origin is Annotated:
        return _name_type(arguments[0])
    if origin is Literal or (inspect.isclass(declared) and issubclass(declared, Enum)):
        return "string"
    base = origin or declared
    if base in _TYPES:
        return _TYPES[base]
    if inspect.isclass(base) and issubclass(base, list | tuple | set | frozenset):
        return f"list of {_name_type(arguments[0])}" if arguments else "list"
    return "object"


def _options(declared: Any) -> Iterator[object]:
    origin, arguments = typing.get_origin(declared), typing.get_args(declared)
    if origin is Literal:
        yield from arguments
    elif origin in (typing.Union, types.UnionType):
        for one in arguments:
            yield from _options(one)
    elif inspect.isclass(declared) and issubclass(declared, Enum):
        yield from (member.value for member in declared)


def _plain(default: object) -> object:
    value = msgspec.to_builtins(default, str_keys=True)
    return value if value not in ({}, [], ()) else None


def _first_sentence(text: str) -> str:
    return " ".join(text.split("\n\n", maxsplit=1)[0].split())
