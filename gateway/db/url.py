"""Reading DATABASE_URL: PostgreSQL URLs with the options that Prisma and libpq users write."""

from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from gateway.db.tls import TLS_MODES, TlsMode, TlsOptions, build_ssl_argument
from gateway.db.url_options import UrlOptions
from gateway.errors import ConfigError

__all__ = ["ConnectionOptions", "parse_database_url"]

_SCHEMES = ("postgresql", "postgres")
_VARIABLE = "DATABASE_URL"
_SEARCH_PATH_DEFAULT = "public"
_OWN_SCHEMA = "gatewright"


class ConnectionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to reach a database, and how many connections to keep; times are seconds, None means no limit.

    `host` is a name, an address, or the absolute path of a folder with a unix socket. `schema` becomes the
    search path. `pool_timeout_seconds` is the wait for a free connection, `command_timeout_seconds` the
    client's patience with one statement, `statement_timeout_seconds` the server's.
    `uses_pgbouncer` keeps to what a pooler in transaction mode passes on.
    """

    host: str
    user: str
    database: str
    port: int = 5432
    password: str | None = None
    schema: str = _SEARCH_PATH_DEFAULT
    tls: TlsOptions = TlsOptions()
    pool_min: int = 1
    pool_max: int = 10
    pool_timeout_seconds: float | None = 10.0
    connect_timeout_seconds: float = 5.0
    command_timeout_seconds: float | None = 60.0
    statement_timeout_seconds: float | None = 30.0
    idle_in_transaction_timeout_seconds: float | None = 60.0
    statement_cache_size: int = 100
    uses_pgbouncer: bool = False
    application_name: str = "gatewright"

    @property
    def is_socket(self) -> bool:
        """Whether `host` is the folder of a unix socket."""
        return self.host.startswith("/")

    @property
    def redacted(self) -> str:
        """The address for logs: without password, files and options."""
        where = f"{self.host}:{self.port}" if not self.is_socket else self.host
        return f"postgresql://{self.user}@{where}/{self.database}"

    def __repr__(self) -> str:
        """The redacted address; the password must not reach a log."""
        return f"ConnectionOptions({self.redacted})"

    def with_pool(self, connections: int | None, timeout_seconds: float | None) -> "ConnectionOptions":
        """Bound the pool by settings that win over the URL's; None leaves the URL's, 0 s is for ever."""
        changed = self
        if connections is not None:
            changed = msgspec.structs.replace(
                changed, pool_max=connections, pool_min=min(self.pool_min, connections)
            )
        if timeout_seconds is not None:
            changed = msgspec.structs.replace(changed, pool_timeout_seconds=timeout_seconds or None)
        return changed

    @property
    def server_settings(self) -> dict[str, str]:
        """Settings of every session. PgBouncer refuses most (its manual, `ignore_startup_parameters`).

        The search path is always ours: PostgreSQL's default begins with a schema named like the role, and
        a role may be named like the schema that holds our own tables.
        """
        settings = {"timezone": "UTC", "application_name": self.application_name}
        if not self.uses_pgbouncer or self.schema != _SEARCH_PATH_DEFAULT or self.user == _OWN_SCHEMA:
            settings["search_path"] = '"' + self.schema.replace('"', '""') + '"'
        if not self.uses_pgbouncer:
            settings["jit"] = "off"
            settings["statement_timeout"] = _milliseconds(self.statement_timeout_seconds)
            settings["idle_in_transaction_session_timeout"] = _milliseconds(
                self.idle_in_transaction_timeout_seconds
            )
        return settings

    def connect_arguments(self) -> dict[str, object]:
        """The keyword arguments of `asyncpg.connect`. Raises ConfigError for unusable TLS files."""
        return {
            "host": self.host,
            "port": self.port,
            "user": self.user,
            "password": self.password,
            "database": self.database,
            "ssl": False if self.is_socket else build_ssl_argument(self.tls),
            "timeout": self.connect_timeout_seconds,
            "command_timeout": self.command_timeout_seconds,
            "statement_cache_size": self.statement_cache_size,
            "server_settings": self.server_settings,
        }


def parse_database_url(url: str, *, variable: str = _VARIABLE) -> ConnectionOptions:
    """The options that a URL asks for; `variable` is named in errors.

    Raises ConfigError for another scheme, a missing part, an unknown option or a value out of range. No
    message quotes the URL or a part of it that could hold the password.
    """
    if "#" in url:
        raise ConfigError("A # in user, password or options is written %23.", path=variable)
    try:
        parts = urlsplit(url.strip())
        port = parts.port
    except ValueError as error:
        raise ConfigError(
            "The port or host cannot be read. Percent-encode special characters of user and password.",
            path=variable,
        ) from error
    _check_shape(parts, variable)
    options = UrlOptions(parts.query, variable)
    return _build(parts, port, options)


def _build(parts: SplitResult, port: int | None, options: UrlOptions) -> ConnectionOptions:
    host = options.text("host") or unquote(parts.hostname or "")
    user = options.text("user") or unquote(parts.username or "")
    if not host or not user:
        raise options.error("host" if not host else "user", "is missing from the URL.")
    pool_max = options.integer("connection_limit", 10, at_least=1)
    pooled = options.flag("pgbouncer")
    return ConnectionOptions(
        host=host,
        port=port or options.integer("port", 5432, at_least=1),
        user=user,
        password=unquote(parts.password) if parts.password else options.text("password"),
        database=unquote(parts.path.removeprefix("/")) or user,
        schema=options.text("schema") or _SEARCH_PATH_DEFAULT,
        tls=_read_tls(options, is_socket=host.startswith("/")),
        pool_min=min(options.integer("min_connections", 1, at_least=0), pool_max),
        pool_max=pool_max,
        pool_timeout_seconds=options.seconds("pool_timeout", 10.0),
        connect_timeout_seconds=options.seconds("connect_timeout", 5.0) or 60.0,
        command_timeout_seconds=options.seconds("socket_timeout", 60.0),
        statement_timeout_seconds=options.milliseconds("statement_timeout", 30.0),
        idle_in_transaction_timeout_seconds=options.milliseconds("idle_in_transaction_session_timeout", 60.0),
        statement_cache_size=0 if pooled else options.integer("statement_cache_size", 100, at_least=0),
        uses_pgbouncer=pooled,
        application_name=options.text("application_name") or "gatewright",
    )


def _read_tls(options: UrlOptions, *, is_socket: bool) -> TlsOptions:
    if options.choice("channel_binding", ("disable", "prefer", "require")) == "require":
        raise options.error(
            "channel_binding", "cannot be required: the driver has none. Use sslmode=verify-full instead."
        )
    mode: TlsMode | None = options.choice("sslmode", TLS_MODES)
    # Prisma's `sslcert` is the server's root, libpq's the client's own; a key or root beside it tells which.
    certificate, key = options.text("sslcert"), options.text("sslkey")
    root = options.text("sslrootcert")
    if certificate is not None and key is None and root is None:
        certificate, root = None, certificate
    if options.choice("sslaccept", ("strict", "accept_invalid_certs")) == "strict":
        mode = "verify-full"
    identity = options.text("sslidentity")
    if mode in {None, "allow", "prefer"} and (root or certificate or identity):
        mode = "require"
    return TlsOptions(
        mode=mode or ("disable" if is_socket else "prefer"),
        root_certificate=root,
        certificate=certificate,
        key=key,
        identity=identity,
        password=options.text("sslpassword"),
    )


def _check_shape(parts: SplitResult, variable: str) -> None:
    if parts.scheme not in _SCHEMES:
        raise ConfigError("The URL has to begin with postgresql://.", path=variable, allowed=_SCHEMES)
    if parts.path.count("/") > 1:
        raise ConfigError("A / in user, password or database name is written %2F.", path=variable)


def _milliseconds(seconds: float | None) -> str:
    return "0" if seconds is None else str(round(seconds * 1000))
