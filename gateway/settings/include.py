"""Join a configuration file with the files that it includes."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from gateway.errors import ConfigError
from gateway.settings.faults import Faults
from gateway.settings.model import SettingsNotice
from gateway.settings.node import Node, child_path, config_error, describe
from gateway.settings.yaml_reader import MAX_VALUES, read_yaml

__all__ = ["place", "read_document"]

_MAX_FILES = 200


def read_document(path: Path, notices: list[SettingsNotice], faults: Faults) -> Node:
    """Read a file and everything under its `include`, as one mapping with key paths.

    Lists are joined, sections are merged member by member; for a member that stands in both, the included
    file wins (as in LiteLLM, where an included section replaces a whole one) and a notice says so. Paths
    are relative to the file that names them.

    An included file that cannot be read, or that includes one of those that lead to it, is noted in `faults`.
    Raises ConfigError where the file itself cannot be read.
    """
    return place(_Reader(notices, faults).read(path, ()), "")


class _Reader:
    def __init__(self, notices: list[SettingsNotice], faults: Faults) -> None:
        self._notices = notices
        self._faults = faults
        self._files = 0

    def read(self, path: Path, parents: tuple[Path, ...]) -> Node:
        """Read a file into a mapping without `include`; `parents` are the files on the way here."""
        root = read_yaml(path, self._faults)
        if root.value is None:
            root = Node({}, root.file, root.line)
        if not isinstance(root.value, dict):
            raise config_error(root, f"A configuration file is a mapping of sections, not {describe(root)}.")
        self._files += 1
        result = {name: child for name, child in root.value.items() if name != "include"}
        chain = (*parents, path.resolve())
        listed = root.value.get("include")
        for item in self._faults.attempt(lambda: list(_included(listed)), []):
            with self._faults.collect():
                included = self.read(self._target(item, path, chain), chain)
                if isinstance(included.value, dict):
                    self._merge(result, included.value, "")
        return Node(result, root.file, root.line)

    def _target(self, item: Node, path: Path, chain: tuple[Path, ...]) -> Path:
        if not isinstance(item.value, str) or not item.value or "\0" in item.value:
            raise config_error(item, f"Expected the path of a file, found {describe(item)}.")
        target = path.parent / item.value
        try:
            resolved, exists = target.resolve(), target.is_file()
        except (OSError, RuntimeError) as error:
            # A name that is too long, or a loop of symbolic links.
            raise config_error(item, "The path of the included file cannot be used.") from error
        if resolved in chain:
            names = " -> ".join(str(step) for step in (*chain, resolved))
            raise config_error(item, f"The files include each other: {names}.")
        if self._files >= _MAX_FILES:
            raise config_error(item, f"More than {_MAX_FILES} files are included.")
        if not exists:
            raise config_error(item, f"The included file '{target}' does not exist.")
        return target

    def _merge(self, into: dict[str, Node], added: dict[str, Node], path: str) -> None:
        for name, new in added.items():
            old = into.get(name)
            into[name] = (
                new if old is None or old.value is None else self._joined(old, new, child_path(path, name))
            )

    def _joined(self, old: Node, new: Node, path: str) -> Node:
        if new.value is None:
            return old
        if isinstance(old.value, list) and isinstance(new.value, list):
            return msgspec.structs.replace(old, value=[*old.value, *new.value])
        if isinstance(old.value, dict) and isinstance(new.value, dict):
            merged = dict(old.value)
            self._merge(merged, new.value, path)
            return msgspec.structs.replace(old, value=merged)
        message = f"This replaces the value in {old.file}:{old.line}."
        self._notices.append(SettingsNotice(path, message, new.file, new.line))
        return new


def _included(node: Node | None) -> Iterator[Node]:
    if node is None or node.value is None:
        return
    if isinstance(node.value, str):
        yield msgspec.structs.replace(node, path="include")
        return
    if not isinstance(node.value, list):
        place_of = msgspec.structs.replace(node, path="include")
        raise config_error(place_of, f"Expected a list of files, found {describe(node)}.")
    for index, item in enumerate(node.value):
        yield msgspec.structs.replace(item, path=child_path("include", index))


def place(node: Node, path: str) -> Node:
    """The same value, every part knowing its key path. Raises ConfigError beyond the bound on values."""
    return _Placer(node).place(node, path)


class _Placer:
    def __init__(self, root: Node) -> None:
        self._root = root
        self._count = 0

    def place(self, node: Node, path: str) -> Node:
        self._count += 1
        if self._count > MAX_VALUES:
            message = f"There are more than {MAX_VALUES} values with the included files."
            raise ConfigError(message, file=self._root.file)
        value = node.value
        if isinstance(value, dict):
            value = {name: self.place(child, child_path(path, name)) for name, child in value.items()}
        elif isinstance(value, list):
            value = [self.place(child, child_path(path, index)) for index, child in enumerate(value)]
        return msgspec.structs.replace(node, value=value, path=path)
