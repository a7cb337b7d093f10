"""The 101 cases of who reaches MCP servers with which credential: where each is proved, or that it is not.

A reference is `file::test`, below `tests/`, or `file::test::words`, where the words stand in the file (the
name of a row). It is checked that they are there; a case that nothing proves says `NOT_YET` and why.
"""

import ast
from functools import cache
from pathlib import Path

from tests.integration.request_path.test_mcp_passed_through import REFUSALS, ROWS

TESTS = Path(__file__).parents[2]
NOT_YET = "not yet: "
_HERE = "integration/request_path"
_IN = f"{_HERE}/test_mcp_passed_through.py::test_who_is_let_in_and_what_the_server_sees"
_THROUGH = f"{_HERE}/test_mcp_passed_through.py"
_REFUSED = f"{_THROUGH}::test_what_a_server_refuses"
_ENDED = f"{_THROUGH}::test_a_token_that_ends_in_the_middle_of_a_session"
_LISTED = f"{_THROUGH}::test_lists_of_all_servers_name_the_one_that_refuses"
_DOCUMENTS = f"{_HERE}/test_mcp_documents.py"
_PASSING = "plugins/mcp/test_passing_on.py"
_OPENAPI = f"{_HERE}/test_mcp_openapi.py::test_headers_of_clients_are_on_the_requests_of_tools"
_KNOWN = f"{_HERE}/test_mcp_passed_through.py::test_a_key_that_is_known_and_refused_is_no_stranger"
_BROUGHT = f"{_HERE}/test_mcp_brought.py"
_FROM = f"{_HERE}/test_mcp_acceptance.py::test_servers_for_internal_clients"
_ELSEWHERE = f"{_HERE}/test_mcp_acceptance.py::test_nobody_and_whose_key_is_for_other_routes"
_TOKENS = "unit/identity/tokens/test_verification.py"
_SECTION = "unit/settings/test_jwt_section.py"
_ISSUERS = "unit/identity/tokens/test_issuer_cases.py"
_TOKEN = f"{_ISSUERS}::test_a_token_with"
_ROOT = "unit/http/test_root_path.py::test_the_prefix_comes_off_where_it_is_one"
_LOGINS, _GRANTS = f"{_HERE}/test_mcp_logins.py", f"{_HERE}/test_mcp_grants.py"
_TOKENS_OF = "plugins/mcp/test_tokens.py"
_TOOLSETS = "integration/manage/test_mcp_toolsets.py"
_READS = f"{_HERE}/test_mcp_permission_reads.py"

CASES: dict[int, tuple[str, ...]] = {
    1: (_IN,),
    2: (_IN,),
    3: (_IN, f"{_BROUGHT}::test_headers_that_go_along::a_key_in_another_header_frees_authorization"),
    4: (_IN,),
    5: (_IN,),
    6: (f"{_BROUGHT}::test_a_server_with_tokens_sees_no_credential_of_clients",),
    7: (f"{_BROUGHT}::test_no_key_of_the_gateway_goes_along", _IN),
    8: (f"{_OPENAPI}::case_8",),
    9: (f"{_BROUGHT}::test_headers_that_go_along::static_headers_win", f"{_OPENAPI}::case_9"),
    10: (f"{_PASSING}::test_what_a_user_has_stored_wins_over_a_header_that_everybody_has",),
    11: (f"{_OPENAPI}::case_11",),
    12: (_IN,),
    13: (_IN,),
    14: (_IN,),
    15: (_IN,),
    16: ("integration/manage/test_mcp_servers.py::test_whose_login_it_is_comes_back_as_it_was_said",),
    17: (_IN,),
    18: (_IN,),
    19: (_IN,),
    20: (f"{_LOGINS}::test_a_user_logs_in_and_the_server_is_asked_in_its_name::authorization_uri",),
    21: (_IN, _ELSEWHERE),
    22: (_IN, _ELSEWHERE),
    23: (_IN,),
    24: (_IN,),
    25: (_IN,),
    26: (_IN,),
    27: (f"{_PASSING}::test_the_servers_that_are_open_are_those_to_which_the_path_leads",),
    28: (_KNOWN,),
    29: (_IN,),
    30: (_IN,),
    31: (_IN,),
    32: (f"{_PASSING}::test_nothing_else_is_open::/toolset/set/mcp",),
    33: (f"{_DOCUMENTS}::test_paths_without_a_document_are_not_found_and_told_the_operator",),
    34: (_REFUSED,),
    35: (_REFUSED,),
    36: (_REFUSED,),
    37: (f"{_THROUGH}::test_servers_are_probed_that_the_client_wants",),
    38: (_ENDED,),
    39: (f"{_THROUGH}::test_a_token_that_ends_while_there_is_a_stream",),
    40: (_REFUSED,),
    41: (_REFUSED,),
    42: (_REFUSED,),
    43: (f"{_PASSING}::test_without_an_address_there_is_no_challenge",),
    44: (_REFUSED,),
    45: (_REFUSED,),
    46: (_REFUSED,),
    47: (f"{_LISTED}::access_denied", _FROM + "::ip_filtering"),
    48: (_REFUSED,),
    49: (_LISTED,),
    50: (_ENDED, _REFUSED + "::Forbidden"),
    51: (_REFUSED, f"{_THROUGH}::test_calls_by_plain_http_are_refused_alike"),
    52: (f"{_DOCUMENTS}::test_the_document_is_the_servers_under_the_address_that_the_client_has",),
    53: (
        f"{_DOCUMENTS}::test_a_server_without_a_document_has_none_here",
        f"{_PASSING}::test_a_failure_is_502_and_kept_for_less_time",
    ),
    54: (
        f"{_PASSING}::test_a_failure_is_502_and_kept_for_less_time::unreachable",
        f"{_DOCUMENTS}::test_a_server_without_a_document_has_none_here::/mcp/down",
    ),
    55: (f"{_DOCUMENTS}::test_many_who_ask_at_once_are_one_request",),
    56: (f"{_PASSING}::test_a_failure_is_502_and_kept_for_less_time",),
    57: (f"{_PASSING}::test_what_is_kept_is_bounded_and_goes_with_its_server",),
    58: (f"{_GRANTS}::test_documents_lead_from_the_refusal_to_the_tokens",),
    59: (
        f"{_PASSING}::test_addresses_are_those_by_which_clients_know_the_gateway",
        f"{_DOCUMENTS}::test_the_document_is_the_servers_under_the_address_that_the_client_has::x-forwarded-proto",
    ),
    60: (
        f"{_LOGINS}::test_an_answer_to_another_login_is_refused",
        f"{_GRANTS}::test_who_asks_wrongly_is_told_on_the_spot",
    ),
    61: (f"{_GRANTS}::test_a_session_counts_whatever_else_its_cookie_claims::aud",),
    62: (f"{_TOKENS_OF}::test_a_token_has_the_members_that_the_operator_wants::active",),
    63: (f"{_HERE}/test_mcp_acceptance.py::test_headers_only_narrow::x-mcp-toolset-id",),
    64: (f"{_TOOLSETS}::test_a_key_has_the_tools_of_its_toolset_and_no_others::open_older",),
    65: (f"{_READS}::test_what_an_agent_may_is_read_once_in_a_minute::has_permission",),
    66: (
        f"{_READS}::test_what_an_agent_may_is_read_once_in_a_minute::ahead_nanos",
        "unit/cache/test_expiring.py::test_a_value_is_loaded_once_and_again_after_its_time",
    ),
    67: (
        "integration/identity/test_store.py::test_one_statement_reads_budgets_permissions_groups_and_agents_too",
    ),
    68: (f"{_READS}::test_what_cannot_be_read_of_an_organization_permits_nothing",),
    69: (_FROM + "::69 no proxies are trusted",),
    70: (_FROM + "::70 a trusted proxy tells of a stranger",),
    71: (_FROM + "::71 a stranger forges",),
    72: (_FROM + "::72 the header is not in use",),
    73: (_FROM + "::73 no address",),
    74: (_FROM, _IN),
    75: (f"{_ROOT}::/llmx/a",),
    76: (f"{_ROOT}::/llm/v1/models",),
    77: (f'{_ROOT}::("/llm", "/")',),
    78: (f"{_ELSEWHERE}::evil.example",),
    79: (
        f"{_ELSEWHERE}::/v1/chat/completions{{path}}",
        "unit/access/test_routes.py::test_entries_cover_whole_segments",
    ),
    80: (f"{_TOKEN}::case=80", f"{_TOKENS}::test_keys_of_one_issuer_are_not_tried_for_another"),
    81: (
        f"{_TOKEN}::case=81",
        f"{_TOKENS}::test_refused_is_a_token::of another audience",
        f"{_TOKENS}::test_refused_is_a_token::expired",
        f"{_TOKENS}::test_forged_with::changed claims",
    ),
    82: (f"{_TOKEN}::case=82", f"{_TOKENS}::test_an_issuer_without_an_entry_goes_the_general_way"),
    83: (f"{_ISSUERS}::test_case_83_an_unscoped_provider_is_told_once_also_beside_entries",),
    84: (f"{_ISSUERS}::test_refused_at_the_start_is::case_84", f"{_SECTION}::test_refused_is::no audience"),
    85: (f"{_ISSUERS}::test_refused_at_the_start_is::case_85", f"{_SECTION}::test_refused_is::both"),
    86: (f"{_TOKEN}::case=86",),
    87: (f"{_ISSUERS}::test_case_87_an_entry_that_was_made_without_an_audience_takes_no_token",),
    88: (f"{_TOKEN}::case=88", f"{_TOKENS}::test_the_general_issuer_is_checked_where_there_is_one"),
    89: (f"{_TOKEN}::case=89",),
    90: (f"{_TOKEN}::case=90", f"{_TOKENS}::test_the_claims_are_not_changed::_litellm_jwt_issuer"),
    91: (f"{_TOKEN}::case=91",),
    92: (f"{_TOKEN}::case=92",),
    93: (f"{_TOKEN}::case=93",),
    94: (f"{_ISSUERS}::test_case_94_claims_that_are_read_stay_as_they_were",),
    95: (
        f"{_TOKEN}::case=95",
        f"{_ISSUERS}::test_case_95_a_set_that_cannot_be_read_is_told_and_not_passed_over",
    ),
    96: (
        f"{_ISSUERS}::test_case_96_without_settings_every_token_is_refused",
        f"{_SECTION}::test_without_the_switch_nothing_is_read",
    ),
    97: (f"{_TOKEN}::case=97",),
    98: (f"{_DOCUMENTS}::test_nothing_of_any_credential_is_logged_or_told",),
    99: (_IN, _REFUSED + "::get_list"),
    100: (_IN, f"{_HERE}/test_mcp_acceptance.py::decide_older"),
    101: (_IN,),
}


@cache
def read(path: str) -> tuple[str, frozenset[str]]:
    """The text of a file, and the names of its functions."""
    text = (TESTS / path).read_text(encoding="utf-8")
    names = (
        node.name
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return text, frozenset(names)


def find_faults(number: int) -> list[str]:
    """What the table says of a case that is not so."""
    found: list[str] = []
    for reference in CASES[number]:
        if reference.startswith(NOT_YET):
            continue
        path, name, *words = reference.split("::", 2)
        text, names = read(path)
        if name not in names or any(word not in text for word in words):
            found.append(reference)
        rows = {_IN: ROWS, _REFUSED: REFUSALS}.get(f"{path}::{name}", ())
        if rows and not any(number in row.cases for row in rows):
            found.append(f"no row has {number}")
    return found


def test_every_case_is_proved_where_the_table_says() -> None:
    assert list(CASES) == list(range(1, 102))
    assert all(CASES.values())
    assert {number: faults for number in CASES if (faults := find_faults(number))} == {}
