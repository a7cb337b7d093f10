"""Read one YAML file into nodes that know their lines, within bounds on size, depth and number of values."""

import math
from pathlib import Path
from typing import cast

import yaml
from yaml.constructor import SafeConstructor

from gateway.errors import ConfigError
from gateway.settings.faults import Faults
from gateway.settings.node import Node, Value

__all__ = ["MAX_DEPTH", "MAX_FILE_BYTES", "MAX_VALUES", "read_yaml", "read_yaml_text"]

MAX_FILE_BYTES = 16 * 1024 * 1024
MAX_DEPTH = 50
"""Levels of nesting; far below what the composer's recursion takes."""
MAX_VALUES = 250_000
"""Values after aliases are expanded, so that a few lines of aliases cannot fill the memory."""

_MERGE_TAG = "tag:yaml.org,2002:merge"
_STRING_TAGS = frozenset({"tag:yaml.org,2002:str", "tag:yaml.org,2002:timestamp", "tag:yaml.org,2002:value"})
_TAGS = _STRING_TAGS | {
    f"tag:yaml.org,2002:{name}" for name in ("null", "bool", "int", "float", "map", "seq")
}


def read_yaml(path: Path, faults: Faults) -> Node:
    """Read a file into a node; single values that are wrong are noted in `faults` and read as null.

    Raises ConfigError when the file cannot be read, is no UTF-8, no YAML, or beyond the bounds.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(f"The configuration file cannot be read: {reason}.", file=str(path)) from error
    except (ValueError, OverflowError) as error:
        raise ConfigError("The path of the configuration file is not valid.", file=repr(path)) from error
    if len(data) > MAX_FILE_BYTES:
        raise ConfigError(f"The file is larger than {MAX_FILE_BYTES} bytes.", file=str(path))
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError("The file is not UTF-8.", file=str(path), line=line) from error
    return read_yaml_text(text, str(path), faults)


def read_yaml_text(text: str, file: str, faults: Faults) -> Node:
    """Read a YAML text into a node like `read_yaml`; `file` is the name that errors show."""
    try:
        composed = _Loader(text).get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        raise ConfigError(f"This is not valid YAML: {error.problem}.", file=file, line=line) from error
    except yaml.YAMLError as error:
        raise ConfigError(
            "This is not valid YAML: it has characters that YAML forbids.", file=file
        ) from error
    except (ValueError, OverflowError) as error:
        # PyYAML's scanner lets int() and chr() fail on absurd directives and escapes.
        raise ConfigError(
            "This is not valid YAML: it has a number or escape out of range.", file=file
        ) from error
    if composed is None:
        return Node({}, file, 1)
    return _Builder(file, faults).build(composed, composed.start_mark.line + 1, 0)


class _Loader(yaml.SafeLoader):
    """Composes nodes and stops where nesting is too deep, before Python's own recursion does."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        self._depth += 1
        if self._depth > MAX_DEPTH + 1:
            message = f"values are nested deeper than {MAX_DEPTH} levels"
            mark = cast("yaml.Mark", self.get_mark())  # pyright: ignore[reportUnknownMemberType]  untyped stub
            raise yaml.MarkedYAMLError(problem=message, problem_mark=mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


class _Builder:
    """Turns composed YAML into nodes; one per file, because it counts."""

    def __init__(self, file: str, faults: Faults) -> None:
        self._file = file
        self._faults = faults
        self._count = 0
        self._constructor = SafeConstructor()

    def build(self, source: yaml.Node, line: int, depth: int) -> Node:
        """The node for one composed value; `line` is where its key or item starts."""
        self._enter(source, depth)
        return Node(self._value(source, depth), self._file, line)

    def _enter(self, source: yaml.Node, depth: int) -> None:
        self._count += 1
        if self._count > MAX_VALUES:
            raise self._error(source, f"There are more than {MAX_VALUES} values, each alias counted in full.")
        if depth > MAX_DEPTH:
            raise self._error(source, f"Values are nested deeper than {MAX_DEPTH} levels, aliases included.")

    def _value(self, source: yaml.Node, depth: int) -> Value:
        if source.tag not in _TAGS:
            return self._refuse(source, f"The YAML tag '{source.tag}' is not supported.")
        if isinstance(source, yaml.MappingNode):
            return self._mapping(source, depth)
        if isinstance(source, yaml.SequenceNode):
            return [self.build(item, item.start_mark.line + 1, depth + 1) for item in source.value]
        return self._scalar(source)

    def _mapping(self, source: yaml.MappingNode, depth: int) -> dict[str, Node]:
        own: dict[str, Node] = {}
        merged: dict[str, Node] = {}
        for key, value in source.value:
            line = key.start_mark.line + 1
            if key.tag == _MERGE_TAG:
                for name, child in self._merged(value, depth).items():
                    merged.setdefault(name, child)
                continue
            if not isinstance(key, yaml.ScalarNode):
                self._refuse(key, "A key must be a plain text.")
                continue
            name = self._text(key)
            if name is None:
                continue
            if name in own:
                self._refuse(key, f"The key '{name}' stands here twice; first in line {own[name].line}.")
                continue
            own[name] = self.build(value, line, depth + 1)
        return {**merged, **own}

    def _merged(self, source: yaml.Node, depth: int) -> dict[str, Node]:
        self._enter(source, depth)
        if isinstance(source, yaml.MappingNode):
            return self._mapping(source, depth + 1)
        if not isinstance(source, yaml.SequenceNode):
            self._refuse(source, "'<<' takes a mapping or a list of mappings.")
            return {}
        merged: dict[str, Node] = {}
        for item in source.value:
            for name, child in self._merged(item, depth + 1).items():
                merged.setdefault(name, child)
        return merged

    def _scalar(self, source: yaml.Node) -> str | int | float | bool | None:
        if source.tag in _STRING_TAGS:
            return self._text(source)
        try:
            construct = self._constructor.construct_object  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]  untyped stub
            value = cast("object", construct(source))
        except (ValueError, yaml.YAMLError, KeyError):
            return self._refuse(source, "This number or truth value cannot be read.")
        if isinstance(value, float) and not math.isfinite(value):
            return self._refuse(source, "A number must be finite.")
        if value is None or isinstance(value, bool | int | float):
            return value
        return self._refuse(source, "This value cannot be read.")

    def _text(self, source: yaml.Node) -> str | None:
        text: str = source.value
        # Escapes can spell what neither JSON nor PostgreSQL nor the file system takes.
        if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
            return self._refuse(source, "A text may hold neither a zero byte nor half of a surrogate pair.")
        return text

    def _refuse(self, source: yaml.Node, message: str) -> None:
        """Note what is wrong; the caller goes on as if nothing stood there."""
        self._faults.add(self._error(source, message))

    def _error(self, source: yaml.Node, message: str) -> ConfigError:
        return ConfigError(message, file=self._file, line=source.start_mark.line + 1)
