"""The file of a backup: a tar with a manifest and a dump of pg_dump, written whole or not at all."""

import hashlib
import io
import os
import shutil
import tarfile
from pathlib import Path
from typing import IO

import msgspec

from gateway.errors import StartupError

__all__ = ["ARCHIVE_VERSION", "Manifest", "read_archive", "write_archive"]

ARCHIVE_VERSION = 1
_FORMAT = "gatewright-backup"
_MANIFEST = "manifest.json"
_DUMP = "database.dump"
_LARGEST_MANIFEST_BYTES = 10_000_000


class _Envelope(msgspec.Struct, frozen=True):
    """What every version of the manifest has."""

    format: str
    version: int


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What a backup holds: rows by table (`schema.table`), and the SHA-256 of the dump, in hex."""

    rows: dict[str, int]
    sha256: str
    created_at: str
    server_version: str
    format: str = _FORMAT
    version: int = ARCHIVE_VERSION


def write_archive(file: Path, manifest: Manifest, dump: Path) -> None:
    """Write `file` (mode 0600) from the finished dump; an older file of that name is replaced at the end.

    The draft lies beside `dump`, whose folder has to be private and on the disk of `file`.
    Raises StartupError when the folder cannot be written or the disk is full.
    """
    draft = dump.with_suffix(".tar")
    try:
        with draft.open("wb") as output:
            draft.chmod(0o600)
            with tarfile.open(fileobj=output, mode="w") as archive:
                _add_manifest(archive, manifest)
                archive.add(dump, _DUMP, filter=_anonymous)
            output.flush()
            os.fsync(output.fileno())
        draft.replace(file)
    except OSError as error:
        raise StartupError(f"The backup '{file}' cannot be written: {error.strerror}.") from error


def read_archive(file: Path, dump: Path) -> Manifest:
    """Check the archive `file`, write its dump to `dump` and return the manifest.

    Raises StartupError for a file that is no backup, is of another version, or is damaged.
    """
    try:
        with tarfile.open(file, mode="r:") as archive:
            manifest = _read_manifest(_member(archive, _MANIFEST).read(_LARGEST_MANIFEST_BYTES), file)
            with dump.open("wb") as output:
                shutil.copyfileobj(_member(archive, _DUMP), output)
    except (tarfile.TarError, KeyError) as error:
        raise StartupError(f"'{file}' is not a complete backup of Gatewright.") from error
    except OSError as error:
        raise StartupError(f"The backup '{file}' cannot be read: {error.strerror}.") from error
    if digest(dump) != manifest.sha256:
        raise StartupError(f"The backup '{file}' is damaged: its checksum differs.")
    return manifest


def digest(file: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _add_manifest(archive: tarfile.TarFile, manifest: Manifest) -> None:
    data = msgspec.json.encode(manifest)
    entry = tarfile.TarInfo(_MANIFEST)
    entry.size = len(data)
    entry.mode = 0o600
    archive.addfile(entry, io.BytesIO(data))


def _read_manifest(data: bytes, file: Path) -> Manifest:
    """The version is looked at before the rest, which it defines."""
    try:
        envelope = msgspec.json.decode(data, type=_Envelope)
        if envelope.format == _FORMAT and envelope.version != ARCHIVE_VERSION:
            raise StartupError(
                f"'{file}' has archive version {envelope.version}; this release reads {ARCHIVE_VERSION}."
                " Restore it with the release that made it."
            )
        manifest = msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as error:
        raise StartupError(f"'{file}' is not a backup of Gatewright.") from error
    if manifest.format != _FORMAT:
        raise StartupError(f"'{file}' is not a backup of Gatewright.")
    return manifest


def _member(archive: tarfile.TarFile, name: str) -> IO[bytes]:
    stream = archive.extractfile(name)
    if stream is None:
        raise KeyError(name)
    return stream


def _anonymous(entry: tarfile.TarInfo) -> tarfile.TarInfo:
    """Leave out who made the backup."""
    entry.uid = entry.gid = 0
    entry.uname = entry.gname = ""
    entry.mode = 0o600
    return entry
