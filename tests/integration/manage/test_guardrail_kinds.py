"""What guardrails can be set up, as a console asks for it."""

import pytest

from tests.integration.manage.conftest import Desk

pytestmark = pytest.mark.asyncio(loop_scope="session")

PATHS = ("/guardrails/ui/provider_specific_params", "/guardrails/ui/add_guardrail_settings")


async def test_the_parameters_of_every_kind(desk: Desk) -> None:
    kinds = await desk.get(PATHS[0])
    assert {"keywords", "hide-secrets", "presidio", "generic_guardrail_api"} <= kinds.keys()
    assert kinds["prompt_injection"]["threshold"] == {
        "type": "number",
        "required": False,
        "description": kinds["prompt_injection"]["threshold"]["description"],
        "default_value": 0.5,
        "options": [],
    }
    assert kinds["prompt_injection"]["action"]["options"] == ["BLOCK", "MONITOR"]
    assert kinds["generic_guardrail_api"]["api_base"]["required"]
    assert {kind["fault"] for kind in kinds.values()} == {""}


async def test_what_may_be_chosen(desk: Desk) -> None:
    choices = await desk.get(PATHS[1])
    assert {"pre_call", "during_call", "post_call"} <= set(choices["supported_modes"])
    assert "CREDIT_CARD" in choices["supported_entities"]


@pytest.mark.parametrize(
    ("text", "errors"),
    [
        ("blocked_words:\n  - keyword: a\n  - keyword: b\n    action: MASK\n", []),
        ("blocked_words:\n  - keyword: 3\n  - {action: EAT, keyword: a}\n", ["[0]", "[1]"]),
        ("[", ["no YAML"]),
        ("words: []", ["blocked_words"]),
        ("a: !!python/object/apply:os.system ['true']", ["no YAML"]),
    ],
)
async def test_a_file_of_words_is_checked(desk: Desk, text: str, errors: list[str]) -> None:
    said = await desk.post("/guardrails/validate_blocked_words_file", {"file_content": text})
    assert said["valid"] is not bool(errors)
    assert all(part in error for part, error in zip(errors, said.get("errors", []), strict=True))


@pytest.mark.parametrize("path", PATHS)
async def test_only_administrators_see_it(desk: Desk, key: str, path: str) -> None:
    assert (await desk.ask("GET", path, key)).status_code == 401
