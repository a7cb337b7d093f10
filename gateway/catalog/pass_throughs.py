"""The pass-throughs that are served, found by the path of a request."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

from gateway.catalog.own_paths import OwnPaths
from gateway.db.sealing import Seal, UnsealableError
from gateway.domain import PassThrough
from gateway.errors import ConfigError
from gateway.settings.faults import Faults
from gateway.settings.model import SettingsNotice
from gateway.settings.node import build_node
from gateway.settings.own_variables import refuse_own_secrets
from gateway.settings.pass_through import PASS_THROUGHS, read_pass_through
from gateway.settings.references import resolve_references

__all__ = ["PassThroughs", "build_pass_throughs", "open_stored", "read_stored"]

_PATH = f"general_settings.{PASS_THROUGHS}"
_Members = Mapping[str, object]


class PassThroughs:
    """All pass-throughs; `faults` are what is wrong with those of the database that are not served, by id."""

    def __init__(
        self, served: Iterable[PassThrough] = (), own: OwnPaths | None = None, faults: Mapping[str, str] = {}
    ) -> None:
        self.own = own or OwnPaths()
        self.faults = faults
        self.served = tuple(served)
        self._by_path: dict[str, list[PassThrough]] = {}
        for one in self.served:
            self._by_path.setdefault(one.path, []).append(one)

    def find(self, path: str) -> Sequence[PassThrough]:
        """Those of the longest path that takes in this one; it has no trailing slash."""
        by_path = self._by_path
        if not by_path:
            return ()
        exact = by_path.get(path)
        if exact is not None:
            return exact
        while path := path.rpartition("/")[0]:
            found = [one for one in by_path.get(path, ()) if one.includes_subpath]
            if found:
                return found
        return ()

    def find_by_id(self, identifier: str) -> PassThrough | None:
        """The one with this id."""
        return next((one for one in self.served if one.id == identifier), None)

    def check(self, new: PassThrough) -> None:
        """Raise ConfigError for one that would stand in the way of a route or of another one."""
        own = self.own.find(new.path, includes_subpath=new.includes_subpath)
        if own is not None:
            where = f"{new.path} and what lies below it" if new.includes_subpath else new.path
            message = f"{where} would meet the gateway's own route {own}; choose another path."
            raise ConfigError(message, path=f"{_PATH}.path")
        twin = self.find_twin(new)
        if twin is not None:
            message = (
                f"The pass-through '{twin.id[:100]}' already takes {new.path}, with a method of this one."
            )
            raise ConfigError(message, path=f"{_PATH}.path")

    def find_twin(self, new: PassThrough) -> PassThrough | None:
        """Another one that takes the same path with one of its methods."""
        same = (other for other in self._by_path.get(new.path, ()) if other.id != new.id)
        return next((other for other in same if not set(other.methods).isdisjoint(new.methods)), None)


def build_pass_throughs(
    declared: Sequence[PassThrough],
    stored: object,
    own: OwnPaths,
    seal: Seal,
    environ: Mapping[str, str],
) -> PassThroughs:
    """Those of the configuration and of the database; of the latter each wrong one is left out.

    Raises ConfigError for one of the configuration that would stand in the way of a route.
    """
    checked = PassThroughs((), own)
    for one in declared:
        checked.check(one)
    found, faults = list(declared), dict[str, str]()
    for members in open_stored(stored, seal):
        identifier = str(members["id"])
        try:
            one = read_stored(members, environ)
            PassThroughs(found, own).check(one)
        except ConfigError as error:
            faults[identifier] = error.message
            continue
        found.append(one)
    return PassThroughs(found, own, faults)


def read_stored(members: _Members, environ: Mapping[str, str]) -> PassThrough:
    """One of the database, decrypted.

    Raises ConfigError, for a reference to a secret of the gateway itself too: whoever writes the row says
    where it would go.
    """
    notices: list[SettingsNotice] = []
    faults = Faults()
    written = build_node(dict(members), _PATH)
    refuse_own_secrets(written)
    node = resolve_references(written, environ, notices, faults)
    faults.refuse()
    return read_pass_through(node, environ, notices, is_from_config=False)


def open_stored(stored: object, seal: Seal) -> list[dict[str, object]]:
    """The stored objects with their headers decrypted, null where that is impossible; each has an id."""
    items = cast("list[object]", stored) if isinstance(stored, list) else []
    return [_identified(_open(cast("_Members", item), seal)) for item in items if isinstance(item, dict)]


def _identified(item: dict[str, object]) -> dict[str, object]:
    """Early releases of LiteLLM stored no ids: then one that is the same for everybody who reads the row."""
    if isinstance(item.get("id"), str) and item["id"]:
        return item
    said = f"{item.get('path')} {item.get('methods')}"
    return {**item, "id": hashlib.sha256(said.encode("utf-8", "replace")).hexdigest()[:32]}


def _open(item: _Members, seal: Seal) -> dict[str, object]:
    headers = item.get("headers")
    if not isinstance(headers, dict):
        return dict(item)
    members = cast("_Members", headers)  # JSON objects have text keys
    return {**item, "headers": {name: _opened(value, seal) for name, value in members.items()}}


def _opened(value: object, seal: Seal) -> object:
    if not isinstance(value, str):
        return value
    try:
        return seal.open(value)
    except UnsealableError:
        return None
