import pytest

from gateway.pipeline.heads import join_headers, read_head


def scope(*headers: tuple[bytes, bytes], **members: object) -> dict[str, object]:
    return {"method": "POST", "path": "/x", "headers": list(headers), **members}


def test_of_a_repeated_header_the_last_value_counts() -> None:
    assert read_head(scope((b"a", b"1"), (b"a", b"2"))).headers["a"] == "2"


@pytest.mark.parametrize(("path", "expected"), [("/root/x", "/x"), ("/rooted/x", "/rooted/x"), ("/x", "/x")])
def test_the_root_path_is_not_part_of_the_path(path: str, expected: str) -> None:
    assert read_head(scope(path=path, root_path="/root")).path == expected


@pytest.mark.parametrize(("client", "host"), [(("10.0.0.1", 5), "10.0.0.1"), (None, None), (("", 0), None)])
def test_a_peer_without_an_address_has_none(client: object, host: str | None) -> None:
    assert read_head(scope(client=client)).client_host == host


def test_lines_of_one_list_are_a_list() -> None:
    lines = ((b"x-forwarded-for", b"1.2.3.4"), (b"a", b"1"), (b"x-forwarded-for", b"5.6.7.8,10.0.0.1"))
    assert read_head(scope(*lines)).headers == {"x-forwarded-for": "1.2.3.4, 5.6.7.8,10.0.0.1", "a": "1"}
    assert join_headers([("x-forwarded-for", "1.2.3.4"), ("a", "1"), ("a", "2")]) == {
        "x-forwarded-for": "1.2.3.4",
        "a": "2",
    }
