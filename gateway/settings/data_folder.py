"""Where the gateway keeps its data when nobody says: the user's data folder by the platform's rules."""

import sys
from collections.abc import Mapping
from pathlib import Path

from gateway.errors import ConfigError

__all__ = ["default_data_dir"]

_NAME = "gatewright"


def default_data_dir(environ: Mapping[str, str], platform: str = sys.platform) -> Path:
    """The data folder of this user; it need not exist yet.

    `XDG_DATA_HOME` or `~/.local/share` (XDG Base Directory 0.8, which has a relative value ignored),
    `~/Library/Application Support` on macOS, `%LOCALAPPDATA%` on Windows. Never the folder for temporary
    files, which a reboot empties. Raises ConfigError for a user without a home.
    """
    if platform == "win32":
        local = environ.get("LOCALAPPDATA", "")
        return Path(local) / _NAME if local else _home(environ) / "AppData" / "Local" / _NAME
    if platform == "darwin":
        return _home(environ) / "Library" / "Application Support" / _NAME
    shared = Path(environ.get("XDG_DATA_HOME", ""))
    return (shared if shared.is_absolute() else _home(environ) / ".local" / "share") / _NAME


def _home(environ: Mapping[str, str]) -> Path:
    given = environ.get("HOME", "")
    if given:
        return Path(given)
    try:
        return Path.home()
    except RuntimeError as error:
        message = (
            "There is no home folder to keep data in; name a folder in GATEWAY_DATA_DIR or with --data-dir."
        )
        raise ConfigError(message, path="GATEWAY_DATA_DIR") from error
