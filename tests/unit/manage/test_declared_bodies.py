"""What a rule says that its route reads is what the handler reads."""

from gateway.composition.routes import ROUTES
from gateway.manage.body import BodyReader
from gateway.manage.query import QueryReader


def test_a_rule_names_the_body_and_the_query_that_the_handler_reads() -> None:
    unsaid: list[str] = []
    for handler in ROUTES:
        rule, function = handler.opt["rule"], handler.fn
        named = [function.__globals__.get(name) for name in function.__code__.co_names]
        bodies = [reader.kind for reader in named if isinstance(reader, BodyReader)]
        queries = [reader.kind for reader in named if isinstance(reader, QueryReader)]
        # One that reads a part of another one's body stands beside it.
        if bodies and rule.body not in bodies:
            unsaid.append(f"{rule.name}: body={bodies[0].__name__}")
        if queries and rule.query not in queries:
            unsaid.append(f"{rule.name}: query={queries[0].__name__}")
    assert unsaid == []
