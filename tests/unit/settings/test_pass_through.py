"""What a declaration of a pass-through may say."""

from pathlib import Path
from typing import Any

import pytest

from gateway.catalog.own_paths import OwnPaths
from gateway.composition.own_paths import OWN_PATHS
from gateway.errors import ConfigError
from gateway.settings import load_settings
from tests.integration.serving import write_config

ENVIRON = {"GATEWAY_MASTER_KEY": "sk-master-of-the-tests-0123456789", "TOKEN": "t0ken"}
GOOD = {"path": "/svc", "target": "https://api.example.com/v1"}


def load(folder: Path, *declared: dict[str, Any]) -> Any:
    config = {"general_settings": {"pass_through_endpoints": list(declared)}}
    environ = {**ENVIRON, "GATEWAY_DATA_DIR": str(folder)}
    return load_settings(write_config(folder / "config.yaml", config), environ)


def test_a_declaration_is_read(tmp_path: Path) -> None:
    headers = {"Authorization": "bearer os.environ/TOKEN", "litellm_user_api_key": "X-Key", "a": "b"}
    settings = load(tmp_path, {**GOOD, "headers": headers, "cost_per_request": 0.002, "methods": ["get"]})
    [one] = settings.pass_throughs

    assert one.headers["authorization"].reveal() == "bearer t0ken"
    assert (one.caller_header, set(one.headers)) == ("x-key", {"authorization", "a"})
    assert (one.cost_nanos, one.methods, one.asks_for_key) == (2_000_000, ("GET",), True)
    assert "t0ken" not in repr(one)


@pytest.mark.parametrize(
    ("members", "path"),
    [
        ({"path": "/"}, "path"),
        ({"path": "svc"}, "path"),
        ({"path": "/a/../b"}, "path"),
        ({"path": "/a/{b}"}, "path"),
        ({"target": "custom.adapter"}, "target"),
        ({"target": "http://user:word@host/x"}, "target"),
        ({"target": "file:///etc/passwd"}, "target"),
        ({"headers": {"Authorization": "os.environ/NOT_SET"}}, "headers.Authorization"),
        ({"headers": {"Authorization": "bearer os.environ/NOT_SET"}}, "headers.Authorization"),
        ({"headers": {"a": "b\r\nc: d"}}, "headers.a"),
        ({"headers": {"Host": "other"}}, "headers.Host"),
        ({"methods": ["BREW"]}, "methods[0]"),
        ({"guardrails": "pii"}, "guardrails"),
        ({"cost_per_request": -1}, "cost_per_request"),
        ({"includesubpath": True}, "includesubpath"),
    ],
)
def test_what_is_wrong_is_named(tmp_path: Path, members: dict[str, Any], path: str) -> None:
    with pytest.raises(ConfigError) as refused:
        load(tmp_path, {**GOOD, **members})

    assert refused.value.path == f"general_settings.pass_through_endpoints[0].{path}"


def test_two_of_one_path_need_different_methods(tmp_path: Path) -> None:
    load(tmp_path, {**GOOD, "methods": ["GET"]}, {**GOOD, "methods": ["POST"]})
    with pytest.raises(ConfigError, match="already takes GET /svc"):
        load(tmp_path, GOOD, {**GOOD, "methods": ["GET"]})


@pytest.mark.parametrize(
    ("path", "below", "clash"),
    [
        ("/v1/chat/completions", False, "/v1/chat/completions"),
        ("/v1", True, "/v1/"),
        ("/key/anything/regenerate", False, "/key/{"),
        ("/openai/deployments/x", False, "/openai/deployments"),
        ("/v1/rerank", False, None),
        ("/svc", True, None),
    ],
)
def test_own_routes_are_kept(path: str, below: bool, clash: str | None) -> None:  # noqa: FBT001  of a table
    found = OWN_PATHS.find(path, includes_subpath=below)

    assert found is None if clash is None else (found or "").startswith(clash)


def test_a_rest_stands_for_any_number_of_segments() -> None:
    own = OwnPaths(["/a/{b:path}"])
    clashes = [own.find(path, includes_subpath=False) for path in ("/a/b/c", "/a", "/b")]

    assert clashes == ["/a/{b:path}", "/a/{b:path}", None]
