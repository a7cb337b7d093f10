"""Pass-throughs of the database, as they are read."""

import pytest

from gateway.catalog.own_paths import OwnPaths
from gateway.catalog.pass_throughs import PassThroughs, build_pass_throughs, open_stored, read_stored
from gateway.db.sealing import Seal
from gateway.domain import Secret
from gateway.errors import ConfigError

SEAL = Seal(Secret("salt"))
ENVIRON = {"LITELLM_MASTER_KEY": "sk-master", "DATABASE_URL": "postgres://h/d", "OTHER": "value"}
ROW = {"path": "/svc", "target": "http://target"}


def build(*rows: object) -> PassThroughs:
    return build_pass_throughs((), list(rows), OwnPaths(["/key/list"]), SEAL, ENVIRON)


@pytest.mark.parametrize(
    "members",
    [
        {"headers": {"x": "os.environ/LITELLM_MASTER_KEY"}},
        {"headers": {"x": SEAL.close("Bearer os.environ/LITELLM_MASTER_KEY")}},
        {"default_query_params": {"k": "os.environ/DATABASE_URL"}},
        {"target": "os.environ/DATABASE_URL"},
    ],
)
def test_the_gateways_own_secrets_go_to_no_target(members: dict[str, object]) -> None:
    served = build({**ROW, "id": "a", **members})

    assert served.served == ()
    assert "own secret" in served.faults["a"]


def test_other_variables_may_be_referred_to() -> None:
    one = read_stored({**ROW, "headers": {"X": "Bearer os.environ/OTHER"}}, ENVIRON)

    assert one.headers["x"].reveal() == "Bearer value"


def test_a_row_without_an_id_has_always_the_same() -> None:
    stored = [ROW, {**ROW, "methods": ["GET"]}, {**ROW, "id": "mine"}, {**ROW, "id": ""}, "no row"]
    ids = [item["id"] for item in open_stored(stored, SEAL)]

    assert ids == [item["id"] for item in open_stored(stored, SEAL)]
    assert (len(set(ids)), ids[2], ids[3]) == (3, "mine", ids[0])
    (served,) = build(ROW).served
    assert served.id == ids[0]


def test_a_wrong_row_takes_no_other_down() -> None:
    served = build(
        {**ROW, "id": "a"}, {**ROW, "id": "b"}, {"id": "c", "path": "/key/list", "target": "http://h"}
    )

    assert [one.id for one in served.served] == ["a"]
    assert set(served.faults) == {"b", "c"}


def test_a_header_that_cannot_be_decrypted_is_not_sent_as_it_is() -> None:
    served = build({**ROW, "id": "a", "headers": {"x": Seal(Secret("another")).close("secret")}})

    assert served.served == ()
    assert "no value" in served.faults["a"]


def test_a_path_of_the_gateways_own_is_refused() -> None:
    one = read_stored({"path": "/key/list", "target": "http://h"}, ENVIRON)

    with pytest.raises(ConfigError, match="own route"):
        build().check(one)
