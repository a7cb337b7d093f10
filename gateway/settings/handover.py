"""How `serve` tells its workers what it was told: through their environment."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from gateway.settings.environment import Flags

__all__ = ["EXPLAINED", "Handover", "read_handover", "write_handover"]

EXPLAINED = 3
"""The exit code of a worker that has said itself why it does not serve."""

_VARIABLE = "GATEWAY_SERVE_HANDOVER"


class Handover(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line said.

    `may_upgrade` False makes a worker refuse an outdated database. `address` is what a worker that has
    opened says it listens on.
    """

    config_path: Path | None = None
    flags: Flags = Flags()
    may_upgrade: bool = True
    address: str = ""


class _Written(msgspec.Struct, frozen=True, kw_only=True):
    config_path: str | None = None
    data_dir: str | None = None
    server_root_path: str | None = None
    is_log_json: bool | None = None
    may_upgrade: bool = True
    address: str = ""


def write_handover(handover: Handover) -> dict[str, str]:
    """Return the environment variables for the workers."""
    flags = handover.flags
    written = _Written(
        config_path=None if handover.config_path is None else str(handover.config_path.absolute()),
        data_dir=None if flags.data_dir is None else str(flags.data_dir.absolute()),
        server_root_path=flags.server_root_path,
        is_log_json=flags.is_log_json,
        may_upgrade=handover.may_upgrade,
        address=handover.address,
    )
    return {_VARIABLE: msgspec.json.encode(written).decode()}


def read_handover(environ: Mapping[str, str]) -> Handover:
    """Read what `write_handover` wrote; without it, what a worker started by hand is told: nothing."""
    text = environ.get(_VARIABLE)
    if text is None:
        return Handover()
    written = msgspec.json.decode(text, type=_Written)
    flags = Flags(
        data_dir=None if written.data_dir is None else Path(written.data_dir),
        server_root_path=written.server_root_path,
        is_log_json=written.is_log_json,
    )
    path = None if written.config_path is None else Path(written.config_path)
    return Handover(config_path=path, flags=flags, may_upgrade=written.may_upgrade, address=written.address)
