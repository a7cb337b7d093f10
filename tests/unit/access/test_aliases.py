from gateway.access.aliases import Aliases


def test_the_keys_alias_comes_first_then_the_teams(caller, context):
    principal = caller(aliases={"a": "b"}, team_aliases={"b": "c", "a": "wrong", "x": "y"})
    resolve = Aliases().resolve_model
    assert resolve("a", context(principal)) == "c"
    assert resolve("x", context(principal)) == "y"
    assert resolve("other", context(principal)) == "other"


def test_without_aliases_there_is_no_answer(context):
    assert Aliases().resolve_model("a", context()) is None


def test_the_operators_alias_comes_last(caller, context):
    resolve = Aliases(operators={"nick": "dear", "b": "dear"}).resolve_model
    assert resolve("nick", context()) == "dear"
    assert resolve("dear", context()) is None
    assert resolve("a", context(caller(aliases={"a": "b"}))) == "dear"
