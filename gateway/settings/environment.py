"""What the environment, the flags and the file together say about the process: folders, addresses, keys."""

import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec

from gateway.domain import Secret
from gateway.errors import ConfigError
from gateway.settings.data_folder import default_data_dir
from gateway.settings.faults import Faults
from gateway.settings.model import Environment, SettingsNotice
from gateway.settings.node import Node
from gateway.settings.readers import read_boolean, read_text
from gateway.settings.redis_address import read_redis_url

__all__ = ["Flags", "read_environment"]

_ROOT_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


class Flags(msgspec.Struct, frozen=True, kw_only=True):
    """What the command line says; None means that it says nothing. It wins over everything else."""

    data_dir: Path | None = None
    server_root_path: str | None = None
    is_log_json: bool | None = None


def read_environment(
    root: Node, environ: Mapping[str, str], flags: Flags, notices: list[SettingsNotice], faults: Faults
) -> Environment:
    """The process's surroundings. `environ` has the variables of the file in it already.

    A folder, path or address that cannot be one is noted in `faults`.
    """
    general = root.member("general_settings")
    return Environment(
        data_dir=faults.attempt(lambda: _data_dir(environ, flags), Path()),
        config_path=Path(root.file) if root.file else None,
        database_url=faults.attempt(lambda: _database_url(general, environ, notices), None),
        database_direct_url=_secret(environ, "DATABASE_DIRECT_URL", "DIRECT_URL"),
        redis_url=faults.attempt(lambda: read_redis_url(root, environ), None),
        master_key=faults.attempt(lambda: _master_key(general, environ), None),
        salt_key=_secret(environ, "GATEWAY_SALT_KEY", "LITELLM_SALT_KEY"),
        server_root_path=faults.attempt(lambda: _root_path(environ, flags), ""),
        is_log_json=faults.attempt(lambda: _is_log_json(root, environ, flags), otherwise=False),
    )


def _secret(environ: Mapping[str, str], *names: str) -> Secret | None:
    for name in names:
        if environ.get(name):
            return Secret(environ[name])
    return None


def _data_dir(environ: Mapping[str, str], flags: Flags) -> Path:
    given = str(flags.data_dir) if flags.data_dir is not None else environ.get("GATEWAY_DATA_DIR", "")
    if "\0" in given:
        raise ConfigError("This is no path of a folder.", path="GATEWAY_DATA_DIR")
    if not given:
        return default_data_dir(environ)
    try:
        return Path(given).expanduser().absolute()
    except RuntimeError as error:
        raise ConfigError(
            "The home folder that '~' stands for is not known.", path="GATEWAY_DATA_DIR"
        ) from error


def _master_key(general: Node | None, environ: Mapping[str, str]) -> Secret | None:
    """`GATEWAY_MASTER_KEY`, else the file's, else `LITELLM_MASTER_KEY`; an empty text is none."""
    configured = general.member("master_key") if general is not None else None
    from_file = read_text(configured) if configured is not None else ""
    for found in (environ.get("GATEWAY_MASTER_KEY"), from_file, environ.get("LITELLM_MASTER_KEY")):
        if found:
            return Secret(found)
    return None


def _database_url(
    general: Node | None, environ: Mapping[str, str], notices: list[SettingsNotice]
) -> Secret | None:
    """The file's URL, which wins as in LiteLLM, else `DATABASE_URL`, else one put together from its parts."""
    configured = general.member("database_url") if general is not None else None
    from_file = read_text(configured) if configured is not None else ""
    from_environ = environ.get("DATABASE_URL") or _assembled_url(environ)
    if configured is not None and from_file and from_environ and from_file != from_environ:
        message = "This wins over the database that the environment names."
        notices.append(SettingsNotice(configured.path, message, configured.file, configured.line))
    url = from_file or from_environ
    if not url:
        return None
    if not url.startswith(("postgresql://", "postgres://")):
        path = "general_settings.database_url" if from_file else "DATABASE_URL"
        where = (configured.file, configured.line) if configured is not None and from_file else (None, None)
        message = "Expected the URL of a PostgreSQL database."
        raise ConfigError(message, path=path, file=where[0], line=where[1], allowed=("postgresql://...",))
    return Secret(url)


def _assembled_url(environ: Mapping[str, str]) -> str:
    host, name = environ.get("DATABASE_HOST", ""), environ.get("DATABASE_NAME", "")
    user = environ.get("DATABASE_USERNAME") or environ.get("DATABASE_USER", "")
    if not (host and name and user):
        return ""
    password = environ.get("DATABASE_PASSWORD", "")
    account = quote(user, safe="") + (f":{quote(password, safe='')}" if password else "")
    port = f":{environ['DATABASE_PORT']}" if environ.get("DATABASE_PORT") else ""
    schema = f"?schema={quote(environ['DATABASE_SCHEMA'])}" if environ.get("DATABASE_SCHEMA") else ""
    return f"postgresql://{account}@{host}{port}/{quote(name, safe='')}{schema}"


def _root_path(environ: Mapping[str, str], flags: Flags) -> str:
    given = (
        flags.server_root_path if flags.server_root_path is not None else environ.get("SERVER_ROOT_PATH", "")
    )
    path = given.strip().rstrip("/")
    if not path:
        return ""
    path = path if path.startswith("/") else f"/{path}"
    if not _ROOT_PATH.fullmatch(path) or any(part in {".", ".."} for part in path.split("/")):
        message = f"Expected a path such as /gateway, found {given!r}."
        raise ConfigError(message, path="SERVER_ROOT_PATH")
    return path


def _is_log_json(root: Node, environ: Mapping[str, str], flags: Flags) -> bool:
    if flags.is_log_json is not None:
        return flags.is_log_json
    if environ.get("JSON_LOGS"):
        return read_boolean(Node(environ["JSON_LOGS"], "environment", 1, "JSON_LOGS"))
    section = root.member("litellm_settings")
    configured = section.member("json_logs") if section is not None else None
    return configured is not None and read_boolean(configured)
