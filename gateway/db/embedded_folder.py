"""The data folder of the embedded PostgreSQL: what it may be, and a short path to its socket."""

import os
import shutil
import sys
import tempfile
from pathlib import Path

from gateway.db.embedded_probe import SOCKET_NAME
from gateway.errors import ConfigError

__all__ = ["MAJOR", "SocketPath", "check_version", "network_filesystem", "prepare_data_dir"]

MAJOR = 18
_NEEDED_BYTES = 128 * 1024 * 1024
# sockaddr_un.sun_path without its final NUL: 108 bytes on Linux, 104 on macOS and the BSDs.
_LONGEST_SOCKET_PATH = 107 if sys.platform.startswith("linux") else 103
_NETWORK_FILESYSTEMS = frozenset({
    "afs", "beegfs", "ceph", "cifs", "fuse.ceph", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs", "gfs2",
    "glusterfs", "lustre", "ncpfs", "nfs", "nfs4", "smb3", "smbfs",
})  # fmt: skip
_MOUNTS = Path("/proc/self/mountinfo")


def prepare_data_dir(data_dir: Path) -> Path:
    """Create `data_dir` (mode 0700) if it is missing and return it resolved; an existing one is not changed.

    Raises ConfigError when it cannot be written, is full, or lies on a network file system, where neither
    file locks nor fsync can be relied on.
    """
    folder = data_dir.expanduser().resolve()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"The data folder '{folder}' cannot be created: {error.strerror}.") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(f"The data folder '{folder}' is not writable for user {os.geteuid()}.")
    filesystem = network_filesystem(folder, _MOUNTS)
    if filesystem is not None:
        raise ConfigError(
            f"The data folder '{folder}' is on a network file system ({filesystem}), which can corrupt a"
            " database. Choose a local folder with --data-dir, or set DATABASE_URL."
        )
    return folder


def check_space(folder: Path) -> None:
    """Raise ConfigError when the disk of `folder` has less than 128 MB left, which a new database needs."""
    free = shutil.disk_usage(folder).free
    if free < _NEEDED_BYTES:
        raise ConfigError(
            f"The disk of '{folder}' is full: {free // 1_000_000} MB free,"
            f" {_NEEDED_BYTES // 1_000_000} MB needed for the database."
        )


def check_version(folder: Path) -> None:
    """Raise ConfigError unless the database in `folder` was made by PostgreSQL 18."""
    try:
        found = (folder / "PG_VERSION").read_text().strip()
    except FileNotFoundError:
        found = "an unknown version (no PG_VERSION file)"
    if found != str(MAJOR):
        raise ConfigError(
            f"The database in '{folder}' belongs to PostgreSQL {found}; this release runs {MAJOR}."
            " Back it up with the release that made it, and restore the backup into an empty data folder."
        )


def network_filesystem(folder: Path, mounts: Path) -> str | None:
    """The type of the network file system that holds `folder`, or None for a local or unknown one.

    `mounts` is a file in the format of proc_pid_mountinfo(5); where it is missing nothing is known.
    """
    try:
        lines = mounts.read_text().splitlines()
    except OSError:
        return None
    best, kind = -1, ""
    for line in lines:
        fields = line.split()
        point = Path(fields[4].replace("\\040", " "))
        # A later mount on the same point hides the earlier one.
        if folder.is_relative_to(point) and len(point.parts) >= best:
            best, kind = len(point.parts), fields[fields.index("-") + 1]
    return kind if kind in _NETWORK_FILESYSTEMS else None


class SocketPath:
    """A path by which clients reach the socket in the database's folder, short enough for the system.

    The folder itself where that fits; otherwise a link to it inside a fresh folder that only the owner
    may enter, below XDG_RUNTIME_DIR or the temporary folder.
    """

    def __init__(self, folder: Path) -> None:
        self._private: Path | None = None
        self.folder = folder
        if len(os.fsencode(folder / SOCKET_NAME)) > _LONGEST_SOCKET_PATH:
            self._private = Path(tempfile.mkdtemp(prefix="gatewright-", dir=_runtime_dir()))
            self.folder = self._private / "db"
            self.folder.symlink_to(folder, target_is_directory=True)

    def remove(self) -> None:
        """Remove the link and its folder, if there is one."""
        if self._private is not None:
            shutil.rmtree(self._private, ignore_errors=True)
            self._private = None


def _runtime_dir() -> str | None:
    """XDG_RUNTIME_DIR when it is usable and short, else None for the temporary folder."""
    folder = os.environ.get("XDG_RUNTIME_DIR", "")
    is_usable = (
        Path(folder).is_dir() and os.access(folder, os.W_OK) and len(folder) < _LONGEST_SOCKET_PATH // 2
    )
    return folder if folder and is_usable else None
