import json

from gateway.db.sealing import Seal
from gateway.domain import Secret
from gateway.inventory.rotation.sealed_json import Resealing

OLD, NEW = Seal(Secret("sk-the-old-key-of-the-tests-1")), Seal(Secret("sk-the-new-key-of-the-tests-1"))


def reseal(value: object) -> tuple[object, Resealing]:
    work = Resealing(OLD, NEW)
    return json.loads(work.reseal_json(json.dumps(value), "place")), work


def test_texts_are_found_however_deep_they_stand() -> None:
    found, work = reseal({"a": OLD.close("x"), "b": [{"c": OLD.close("y")}], "n": 1, "t": True, "z": None})
    assert (NEW.open(found["a"]), NEW.open(found["b"][0]["c"])) == ("x", "y")
    assert (found["n"], found["t"], found["z"]) == (1, True, None)
    assert work.census.encrypted == 2


def test_an_object_within_a_text_stays_one() -> None:
    found, _ = reseal(json.dumps({"a": OLD.close("x")}))
    assert NEW.open(json.loads(found)["a"]) == "x"


def test_plain_texts_stay_and_are_counted() -> None:
    found, work = reseal({"a": "plain", "b": "os.environ/X"})
    assert found == {"a": "plain", "b": "os.environ/X"}
    assert work.census.plain == 2


def test_what_cannot_be_decrypted_stays_and_is_named() -> None:
    lost = Seal(Secret("sk-a-key-that-nobody-knows-01")).close("x")
    found, work = reseal({"a": {"b": [lost]}})
    assert found == {"a": {"b": [lost]}}
    assert work.census.unreadable == ["place.a.b[0]"]


def test_a_key_that_was_adopted_writes_and_the_former_one_still_reads() -> None:
    seal = Seal(Secret("sk-the-old-key-of-the-tests-1"))
    former = seal.close("x")
    seal.adopt(Secret("sk-the-new-key-of-the-tests-1"))
    assert seal.open(former) == "x"
    assert NEW.open(seal.close("y")) == "y"


def test_a_key_that_was_learned_only_reads() -> None:
    seal = Seal(Secret("sk-the-old-key-of-the-tests-1"))
    seal.learn(Secret("sk-the-new-key-of-the-tests-1"))
    assert seal.open(NEW.close("x")) == "x"
    assert OLD.open(seal.close("y")) == "y"
