"""Texts of a request that no database can hold."""

import pytest

from gateway.errors import ValidationFailed
from gateway.http.unstorable import check_is_storable


@pytest.mark.parametrize(
    ("path", "query"),
    [("/a", b""), ("/a%00", b"x=%2500"), ("/a", b"x=%C3%A9&y=%ff"), ("/a", b"&&")],
)
def test_other_texts_pass(path, query):
    check_is_storable({"path": path, "query_string": query})


@pytest.mark.parametrize(
    ("path", "query", "loc"),
    [
        ("/a\0", b"", ["path"]),
        ("/a", b"x=1&y=a%00", ["query", "y"]),
        ("/a", b"x%00=1", ["query", "x"]),
        ("/a", b"%00", ["query"]),
        ("/a", b"x=%2500&y=%00", ["query", "y"]),
    ],
)
def test_a_nul_is_refused_with_its_place(path, query, loc):
    with pytest.raises(ValidationFailed) as refused:
        check_is_storable({"path": path, "query_string": query})
    assert refused.value.details["detail"][0]["loc"] == loc
    assert refused.value.param == loc[-1]
