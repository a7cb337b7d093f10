from gateway.identity.keys.list_store import Conditions, Sight, see


def test_conditions_hold_together_and_keep_values_out_of_the_sql():
    conditions = Conditions()
    assert conditions.sql == "TRUE"
    conditions.add_equal("team_id", "'; DROP TABLE x; --")
    conditions.add_equal("user_id", "")
    conditions.add_part(("key_alias", "token"), "50%_\\")
    assert conditions.sql == "(k.team_id = $1)"
    found = " ".join(conditions.select("keys", "k.token").split())
    assert found == (
        "SELECT k.token FROM (SELECT k.* FROM keys k WHERE (k.team_id = $1) "
        "ORDER BY k.created_at DESC NULLS LAST, k.token DESC LIMIT 50000) k WHERE "
        "(position(lower($2) IN lower(k.key_alias)) > 0 OR position(lower($2) IN lower(k.token)) > 0) "
        "UNION SELECT k.token FROM keys k WHERE (k.team_id = $1) AND (k.key_alias = $2 OR k.token = $2)"
    )
    assert conditions.arguments == ["'; DROP TABLE x; --", "50%_\\"]


def test_a_caller_without_a_user_sees_its_own_key():
    conditions = Conditions()
    see(conditions, Sight(token_hash="hash", user_id=None, sees_created=True, sees_joined_teams=True))
    assert (conditions.sql, conditions.arguments) == ("(k.token = $1)", ["hash"])


def test_a_user_sees_own_keys_and_what_is_asked_for():
    conditions = Conditions()
    see(conditions, Sight(token_hash="hash", user_id="u"))
    see(conditions, Sight(token_hash="hash", user_id="u", sees_created=True))
    assert conditions.sql == "(k.user_id = $1) AND (k.user_id = $2 OR k.created_by = $2)"
