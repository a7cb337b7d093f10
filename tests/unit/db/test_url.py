import datetime as dt
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import pkcs12
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from gateway.db.tls import TlsOptions, build_ssl_argument
from gateway.db.url import parse_database_url
from gateway.errors import ConfigError

PLAIN = "postgresql://llm:secret@db.example:6543/proxy"


def test_the_parts_of_a_url_are_read() -> None:
    options = parse_database_url(PLAIN)
    assert (options.host, options.port, options.user) == ("db.example", 6543, "llm")
    assert (options.password, options.database, options.schema) == ("secret", "proxy", "public")


def test_defaults_are_those_of_postgresql_and_prisma() -> None:
    options = parse_database_url("postgres://llm@db.example")
    assert (options.port, options.database, options.password) == (5432, "llm", None)
    assert (options.pool_max, options.pool_timeout_seconds, options.connect_timeout_seconds) == (
        10,
        10.0,
        5.0,
    )
    assert options.tls.mode == "prefer"


def test_options_that_prisma_users_write_are_mapped() -> None:
    options = parse_database_url(
        f"{PLAIN}?connection_limit=25&pool_timeout=2&schema=llm&connect_timeout=3&socket_timeout=7&pgbouncer=true"
    )
    assert (options.pool_max, options.pool_timeout_seconds, options.schema) == (25, 2.0, "llm")
    assert (options.connect_timeout_seconds, options.command_timeout_seconds) == (3.0, 7.0)
    assert (options.uses_pgbouncer, options.statement_cache_size) == (True, 0)


def test_a_limit_of_zero_seconds_is_no_limit() -> None:
    options = parse_database_url(f"{PLAIN}?pool_timeout=0&socket_timeout=0&statement_timeout=0")
    assert options.pool_timeout_seconds is None
    assert options.command_timeout_seconds is None
    assert options.server_settings["statement_timeout"] == "0"


def test_statement_timeouts_are_given_in_milliseconds_as_the_server_does() -> None:
    options = parse_database_url(f"{PLAIN}?statement_timeout=1500")
    assert options.statement_timeout_seconds == 1.5
    assert options.server_settings["statement_timeout"] == "1500"


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://llm@localhost/proxy?host=/run/postgresql",
        "postgresql://llm@/proxy?host=%2Frun%2Fpostgresql",
        "postgresql://llm@%2Frun%2Fpostgresql/proxy",
        "postgresql:///proxy?host=/run/postgresql&user=llm",
    ],
)
def test_a_unix_socket_is_named_by_its_folder(url: str) -> None:
    options = parse_database_url(url)
    assert (options.host, options.user, options.database) == ("/run/postgresql", "llm", "proxy")
    assert options.is_socket
    assert options.connect_arguments()["ssl"] is False


def test_percent_encoded_parts_are_decoded_and_a_plus_stays() -> None:
    options = parse_database_url("postgresql://a%40b:p%2Fw%23+%25@h/d%20b?application_name=a+b%26c")
    assert (options.user, options.password, options.database) == ("a@b", "p/w#+%", "d b")
    assert options.application_name == "a+b&c"


def test_an_ipv6_address_is_a_host() -> None:
    assert parse_database_url("postgresql://llm@[::1]:5433/x").host == "::1"


def test_the_session_gets_utc_timeouts_no_jit_and_a_quoted_search_path() -> None:
    settings = parse_database_url(f'{PLAIN}?schema=we"ird').server_settings
    assert settings == {
        "timezone": "UTC",
        "application_name": "gatewright",
        "search_path": '"we""ird"',
        "jit": "off",
        "statement_timeout": "30000",
        "idle_in_transaction_session_timeout": "60000",
    }


def test_the_search_path_is_public_whatever_the_role_is_called() -> None:
    for user in ("gatewright", "llm"):
        settings = parse_database_url(f"postgresql://{user}@db.example/proxy").server_settings
        assert settings["search_path"] == '"public"'


def test_behind_pgbouncer_a_role_named_like_our_schema_needs_the_search_path() -> None:
    settings = parse_database_url("postgresql://gatewright@db.example/proxy?pgbouncer=true").server_settings
    assert settings["search_path"] == '"public"'


def test_settings_of_the_file_bound_the_pool() -> None:
    options = parse_database_url(f"{PLAIN}?connection_limit=8&min_connections=4&pool_timeout=3")
    assert options.with_pool(None, None) == options
    bounded = options.with_pool(2, 0.0)
    assert (bounded.pool_min, bounded.pool_max, bounded.pool_timeout_seconds) == (2, 2, None)
    assert options.with_pool(20, 1.5).pool_timeout_seconds == 1.5


def test_behind_pgbouncer_only_tracked_settings_are_sent() -> None:
    settings = parse_database_url(f"{PLAIN}?pgbouncer=true").server_settings
    assert settings == {"timezone": "UTC", "application_name": "gatewright"}


def test_the_password_is_in_no_representation() -> None:
    options = parse_database_url(f"{PLAIN}?sslpassword=hidden")
    for text in (repr(options), str(options), options.redacted, repr(options.tls)):
        assert "secret" not in text
        assert "hidden" not in text
    assert options.redacted == "postgresql://llm@db.example:6543/proxy"


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://a@b/c", "postgresql://"),
        ("", "postgresql://"),
        ("postgresql://llm@h:port/x", "port or host"),
        ("postgresql://llm:a#b@h/x", "%23"),
        ("postgresql://llm:a/b@h/x", "port or host"),
        ("postgresql://llm@h/x/y", "%2F"),
        ("postgresql://h/x", "'user' is missing"),
        ("postgresql://llm@/x", "'host' is missing"),
        (f"{PLAIN}?conection_limit=3", "Unknown option 'conection_limit'.*Allowed: .*connection_limit"),
        (f"{PLAIN}?connection_limit=0", "whole number from 1"),
        (f"{PLAIN}?connection_limit=many", "is 'many'"),
        (f"{PLAIN}?pool_timeout=nan", "number of seconds"),
        (f"{PLAIN}?pool_timeout=-1", "number of seconds"),
        (f"{PLAIN}?sslmode=yes", "'sslmode' is 'yes'.*verify-full"),
        (f"{PLAIN}?pgbouncer=1", "Allowed: true, false"),
        (f"{PLAIN}?schema=a&schema=b", "given twice"),
        (f"{PLAIN}?channel_binding=require", "verify-full instead"),
    ],
)
def test_a_wrong_url_is_refused_and_the_variable_named(url: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message) as caught:
        parse_database_url(url, variable="DATABASE_DIRECT_URL")
    assert caught.value.path == "DATABASE_DIRECT_URL"
    assert "secret" not in str(caught.value)


@given(st.text(max_size=60))
def test_any_text_is_read_or_refused_with_a_config_error(text: str) -> None:
    try:
        parse_database_url(f"postgresql://llm@h/x?{text}")
        parse_database_url(text)
    except ConfigError:
        pass


def test_sslcert_alone_is_prismas_server_root() -> None:
    tls = parse_database_url(f"{PLAIN}?sslmode=require&sslcert=/ca.pem").tls
    assert (tls.root_certificate, tls.certificate, tls.mode) == ("/ca.pem", None, "require")


def test_sslcert_beside_a_key_is_libpqs_client_certificate() -> None:
    tls = parse_database_url(
        f"{PLAIN}?sslmode=verify-ca&sslcert=/c.pem&sslkey=/k.pem&sslrootcert=/ca.pem"
    ).tls
    assert (tls.root_certificate, tls.certificate, tls.key) == ("/ca.pem", "/c.pem", "/k.pem")


def test_strict_acceptance_verifies_chain_and_name() -> None:
    assert parse_database_url(f"{PLAIN}?sslmode=require&sslaccept=strict").tls.mode == "verify-full"


def test_whoever_names_tls_files_never_speaks_plain_text() -> None:
    assert parse_database_url(f"{PLAIN}?sslcert=/ca.pem").tls.mode == "require"


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    folder = tmp_path_factory.mktemp("tls")
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
    start = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=36_500))
        .sign(key, hashes.SHA256())
    )
    contents = {
        "cert": certificate.public_bytes(serialization.Encoding.PEM),
        "key": key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ),
        "p12": pkcs12.serialize_key_and_certificates(
            b"x", key, certificate, None, serialization.BestAvailableEncryption(b"pw")
        ),
    }
    for kind, data in contents.items():
        (folder / kind).write_bytes(data)
    return {kind: str(folder / kind) for kind in contents}


def context_of(tls: TlsOptions) -> ssl.SSLContext:
    context = build_ssl_argument(tls)
    assert isinstance(context, ssl.SSLContext)
    return context


@pytest.mark.parametrize(
    ("mode", "with_root", "verify", "checks_name"),
    [
        ("require", False, ssl.CERT_NONE, False),
        ("require", True, ssl.CERT_REQUIRED, False),
        ("verify-ca", True, ssl.CERT_REQUIRED, False),
        ("verify-full", True, ssl.CERT_REQUIRED, True),
        ("verify-full", False, ssl.CERT_REQUIRED, True),
    ],
)
def test_each_mode_verifies_what_it_promises(
    files: dict[str, str], mode: str, with_root: object, verify: ssl.VerifyMode, checks_name: object
) -> None:
    context = context_of(TlsOptions(mode, files["cert"] if with_root else None))  # type: ignore[arg-type] parametrised
    assert context.verify_mode is verify
    assert context.check_hostname is checks_name
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2


def test_modes_that_may_fall_back_are_left_to_the_driver() -> None:
    assert build_ssl_argument(TlsOptions("prefer")) == "prefer"
    assert build_ssl_argument(TlsOptions("disable")) is False


def test_client_certificates_are_read_as_pem_and_as_pkcs12(files: dict[str, str]) -> None:
    context_of(TlsOptions("require", certificate=files["cert"], key=files["key"]))
    context_of(TlsOptions("require", identity=files["p12"], password="pw"))


@pytest.mark.parametrize("broken", ["missing", "password", "garbage"])
def test_tls_files_that_do_not_work_are_a_config_error(files: dict[str, str], broken: str) -> None:
    tls = {
        "missing": TlsOptions("verify-ca", "/nonexistent/ca.pem"),
        "password": TlsOptions("require", identity=files["p12"], password="wrong"),
        "garbage": TlsOptions("require", certificate=files["p12"]),
    }[broken]
    with pytest.raises(ConfigError, match="TLS files"):
        build_ssl_argument(tls)


def test_a_missing_file_shows_when_the_connection_is_prepared() -> None:
    with pytest.raises(ConfigError, match="TLS files"):
        parse_database_url(f"{PLAIN}?sslrootcert={Path('/nonexistent')}").connect_arguments()
