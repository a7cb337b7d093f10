"""The address of the Redis: one URL or its parts, from the environment or the file."""

import pytest

from gateway.domain import Secret
from gateway.errors import ConfigError

CASES = {
    "nothing": ("", {}, None),
    "a URL": ("", {"REDIS_URL": "rediss://a:b@r:1/2"}, "rediss://a:b@r:1/2"),
    "the URL before its parts": ("", {"REDIS_URL": "redis://r", "REDIS_HOST": "other"}, "redis://r"),
    "a host": ("", {"REDIS_HOST": "r"}, "redis://r:6379/0"),
    "all parts": (
        "",
        {
            "REDIS_HOST": "r",
            "REDIS_PORT": "7000",
            "REDIS_USERNAME": "ann",
            "REDIS_PASSWORD": "p@ss/word",
            "REDIS_DB": "3",
            "REDIS_SSL": "True",
        },
        "rediss://ann:p%40ss%2Fword@r:7000/3",
    ),
    "a password alone": ("", {"REDIS_HOST": "r", "REDIS_PASSWORD": "x"}, "redis://:x@r:6379/0"),
    "the file": (
        "router_settings: {redis_host: f, redis_port: 7001, redis_password: os.environ/P, redis_ssl: true}",
        {"P": "secret"},
        "rediss://:secret@f:7001/0",
    ),
    "the environment before the file": (
        "router_settings: {redis_host: f, redis_port: 7001}",
        {"REDIS_HOST": "e"},
        "redis://e:7001/0",
    ),
    "the file's URL": ("router_settings: {redis_url: 'redis://f'}", {"REDIS_HOST": "e"}, "redis://f"),
}


@pytest.mark.parametrize(("text", "environ", "expected"), CASES.values(), ids=CASES)
def test_the_address_is_put_together(load, text: str, environ: dict[str, str], expected: str | None):
    found = load(text, environ).environment.redis_url
    assert found == (None if expected is None else Secret(expected))


def test_what_is_no_address_stops_the_start(load):
    with pytest.raises(ConfigError) as refused:
        load("", {"REDIS_URL": "http://r"})
    assert refused.value.path == "REDIS_URL"
