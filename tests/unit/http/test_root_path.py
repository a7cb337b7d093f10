import pytest

from gateway.http.root_path import under_root_path


async def path_seen(prefix: str, path: str, raw: bytes | None = None) -> tuple[str, bytes]:
    seen = {}

    async def app(scope, _receive, _send) -> None:
        seen.update(scope)

    await under_root_path(app, prefix)({"path": path, "raw_path": raw or path.encode()}, None, None)
    return seen["path"], seen["raw_path"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/llm/v1/models", "/v1/models"),
        ("/llm", "/"),
        ("/llm/", "/"),
        ("/v1/models", "/v1/models"),
        ("/llmx/a", "/llmx/a"),
    ],
)
async def test_the_prefix_comes_off_where_it_is_one(path: str, expected: str) -> None:
    assert await path_seen("/llm", path) == (expected, expected.encode())


async def test_without_a_prefix_nothing_changes() -> None:
    assert await path_seen("", "/llm/x") == ("/llm/x", b"/llm/x")
