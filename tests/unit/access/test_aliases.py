from gateway.access.aliases import Aliases


async def test_the_keys_alias_comes_first_then_the_teams(caller, context):
    principal = caller(aliases={"a": "b"}, team_aliases={"b": "c", "a": "wrong", "x": "y"})
    resolve = Aliases().resolve_model
    assert await resolve("a", context(principal)) == "c"
    assert await resolve("x", context(principal)) == "y"
    assert await resolve("other", context(principal)) == "other"


async def test_without_aliases_there_is_no_answer(context):
    assert await Aliases().resolve_model("a", context()) is None


async def test_the_operators_alias_comes_last(caller, context):
    resolve = Aliases(operators={"nick": "dear", "b": "dear"}).resolve_model
    assert await resolve("nick", context()) == "dear"
    assert await resolve("dear", context()) is None
    assert await resolve("a", context(caller(aliases={"a": "b"}))) == "dear"
