from gateway.domain import Scope, ScopeKind
from gateway.identity.invalidation import decode_scopes, encode_scopes


def test_what_is_written_is_read():
    scopes = [Scope(ScopeKind.KEY, "a" * 64), Scope(ScopeKind.TEAM_MEMBER, 'user:te"am')]
    (payload,) = encode_scopes(scopes)
    assert decode_scopes(payload) == scopes


def test_many_objects_go_in_parts_that_postgresql_accepts():
    scopes = [Scope(ScopeKind.USER, f"{number:0512}") for number in range(100)]
    payloads = list(encode_scopes(scopes))
    assert all(len(payload.encode()) < 8000 for payload in payloads)
    assert [scope for payload in payloads for scope in decode_scopes(payload) or ()] == scopes


def test_ids_too_long_for_a_payload_mean_everything():
    (payload,) = encode_scopes([Scope(ScopeKind.USER, "x" * 10_000)])
    assert decode_scopes(payload) is None


def test_what_cannot_be_read_means_everything():
    for payload in ("", "*", "{}", '[{"kind":"planet","id":"x"}]'):
        assert decode_scopes(payload) is None
