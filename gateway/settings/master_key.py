"""The master key: refuse a weak one, and make and keep one where none is configured."""

import errno
import os
import secrets
import stat
from pathlib import Path

import msgspec

from gateway.domain import Secret
from gateway.errors import ConfigError
from gateway.ids import new_key
from gateway.settings.model import Environment

__all__ = [
    "MASTER_KEY_FILE",
    "MINIMUM_LENGTH",
    "MasterKey",
    "ensure_master_key",
    "find_salt_key",
    "find_weakness",
]

MASTER_KEY_FILE = "master_key"
MINIMUM_LENGTH = 16
"""Characters; the least that LiteLLM asks of a key that somebody chose."""

_RANDOM_BYTES = 32
_FEWEST_DIFFERENT_CHARACTERS = 6
_LARGEST_FILE = 4096
_WELL_KNOWN = frozenset(
    {
        "1234",
        "12345",
        "123456",
        "12345678",
        "1234567890",
        "1234567890abcdef",
        "admin",
        "changeme",
        "change-me",
        "default",
        "example",
        "litellm",
        "litellm-master-key",
        "master",
        "master-key",
        "my-custom-master-key",
        "my-master-key",
        "my-secret-master-key",
        "my-special-key",
        "password",
        "replace-with-master-key",
        "secret",
        "test",
        "your-litellm-master-key",
        "your-master-key",
        "your-master-key-here",
        "your-secret-master-key",
        "xxxxxxxxxxxxxxxx",
    }
)
"""Keys from examples and tutorials, without `sk-`, in lower case and with `-` for `_`."""


class MasterKey(msgspec.Struct, frozen=True):
    """The key in use. `is_new` says that it was made just now, so that the command prints it, once."""

    key: Secret
    is_new: bool = False
    path: Path | None = None
    """The file that keeps it; None when it was configured."""


def find_weakness(key: str) -> str | None:
    """Why a key is too weak to be the master key, as the end of a sentence; None when it is not."""
    bare = key.strip().lower().removeprefix("sk-").replace("_", "-")
    if bare in _WELL_KNOWN:
        return "is an example that everybody knows"
    if len(key) < MINIMUM_LENGTH:
        return f"is shorter than {MINIMUM_LENGTH} characters"
    if len(set(bare)) < _FEWEST_DIFFERENT_CHARACTERS:
        return "repeats a few characters"
    return None


def ensure_master_key(environment: Environment) -> MasterKey:
    """The configured master key, else the kept one, else a new one that is kept from now on.

    The file is `master_key` in the data directory, for its owner only. Two processes that start at once end
    up with the same key. Raises ConfigError for a file that others can read, or that cannot be used.
    """
    if environment.master_key is not None:
        return MasterKey(environment.master_key)
    path = environment.data_dir / MASTER_KEY_FILE
    try:
        kept = _read(path)
        if kept is not None:
            return MasterKey(kept, path=path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        is_new = _keep(path, new_key(_RANDOM_BYTES))
        kept = _read(path)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise ConfigError(
            f"The master key cannot be kept in '{path}': {reason}.", path="master_key"
        ) from error
    if kept is None:
        raise ConfigError(f"The master key in '{path}' disappeared while it was read.", path="master_key")
    return MasterKey(kept, is_new=is_new, path=path)


def find_salt_key(environment: Environment) -> Secret:
    """What encrypts secrets in the database: the salt key, else the master key.

    Raises ConfigError as `ensure_master_key`.
    """
    return environment.salt_key or ensure_master_key(environment).key


def _read(path: Path) -> Secret | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        # The open file is looked at, not its name, so that nobody can exchange it in between.
        _refuse_readable_by_others(path, os.fstat(file.fileno()))
        data = file.read(_LARGEST_FILE)
    try:
        key = data.decode("ascii").strip()
    except UnicodeDecodeError as error:
        raise ConfigError(f"'{path}' holds no key.", path="master_key") from error
    weakness = find_weakness(key)
    if weakness is not None:
        message = f"The key in '{path}' {weakness}. Remove the file to have a new key made."
        raise ConfigError(message, path="master_key")
    return Secret(key)


def _refuse_readable_by_others(path: Path, status: os.stat_result) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigError(f"'{path}' is not a file.", path="master_key")
    if os.name != "posix":
        return
    if status.st_uid not in {os.geteuid(), 0}:
        raise ConfigError(f"'{path}' belongs to another user; its key cannot be trusted.", path="master_key")
    if stat.S_IMODE(status.st_mode) & 0o077:
        message = (
            f"'{path}' can be read or changed by others. Run 'chmod 600' on it, or remove it for a new key."
        )
        raise ConfigError(message, path="master_key")


def _keep(path: Path, key: str) -> bool:
    """Write the key unless the file exists by now; whether it was written."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    _write_exclusively(draft, key)
    try:
        # A link appears whole or not at all, and fails where another process was first.
        os.link(draft, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in {errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EMLINK}:
            raise
        return _keep_without_link(path, key)
    finally:
        draft.unlink(missing_ok=True)
    return True


def _keep_without_link(path: Path, key: str) -> bool:
    try:
        _write_exclusively(path, key)
    except FileExistsError:
        return False
    return True


def _write_exclusively(path: Path, key: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(key.encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
