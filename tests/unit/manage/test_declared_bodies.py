"""What a rule says that its route reads is what the handler reads."""

from gateway.composition.routes import ROUTES
from gateway.manage.body import BodyReader
from gateway.manage.query import QueryReader


def test_a_rule_names_the_body_and_the_query_that_the_handler_reads() -> None:
    unsaid: list[str] = []
    for handler in ROUTES:
        rule, function = handler.opt["rule"], handler.fn
        for name in function.__code__.co_names:
            reader = function.__globals__.get(name)
            if isinstance(reader, BodyReader) and rule.body is not reader.kind:
                unsaid.append(f"{rule.name}: body={reader.kind.__name__}")
            if isinstance(reader, QueryReader) and rule.query is not reader.kind:
                unsaid.append(f"{rule.name}: query={reader.kind.__name__}")
    assert unsaid == []
