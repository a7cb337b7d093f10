"""Pipelines and policies tried out on texts, without a call."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from gateway.errors import BadRequest, ConfigError, GatewayError, NotFound
from gateway.guardrails.choice import Chosen, ChosenPipeline, Installed
from gateway.guardrails.content import edited_texts
from gateway.guardrails.policies.book import PolicyBook
from gateway.guardrails.policies.pipeline import StepResult, run_pipeline
from gateway.guardrails.runner import Runner
from gateway.guardrails.trial import TrialRun
from gateway.guardrails.walk import edit_at, find_pieces
from gateway.sdk import Content, Direction, Edit
from gateway.settings.guardrails import GuardrailMode
from gateway.settings.node import build_node
from gateway.settings.policies import StepAction, read_pipeline

__all__ = ["BatchTrialRequest", "PipelineTrialRequest", "try_guardrails", "try_pipeline"]

_MOST_INPUTS = 100


class PipelineTrialRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /policies/test-pipeline`: a pipeline as a policy has it, and the messages of a request."""

    pipeline: dict[str, Any]
    test_messages: list[dict[str, Any]]


class BatchTrialRequest(msgspec.Struct, frozen=True, kw_only=True):
    """`POST /utils/test_policies_and_guardrails`; `request_data` may name the `model`.

    Each of `inputs_list` has `texts`, and perhaps `structured_messages`, `tools`, `tool_calls`, `images`.
    """

    policy_names: list[str] | None = None
    guardrail_names: list[str] | None = None
    inputs_list: list[dict[str, Any]] = []
    request_data: dict[str, Any] = {}
    input_type: Direction = Direction.REQUEST
    agent_id: str | None = None


class _TrialObject:
    """The strings of an object that is no call; its own copy is edited."""

    def __init__(self, direction: Direction, members: Mapping[str, object]) -> None:
        self._direction = direction
        self.members: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(members))

    def content(self) -> Content:
        return Content(self._direction, tuple(found.piece for found in self._find()))

    def edit(self, edits: Iterable[Edit]) -> None:
        found = self._find()
        for place, text in edited_texts([item.piece for item in found], edits).items():
            edit_at(self.members, found[place].path, text)

    def drop(self, tools: Iterable[int], notice: str) -> bool:
        del tools, notice
        return False

    def _find(self) -> list[Any]:
        return [item for name, value in self.members.items() for item in find_pieces(value, name)]


async def try_pipeline(
    installed: Sequence[Installed], wanted: PipelineTrialRequest, run: TrialRun
) -> dict[str, Any]:
    """What each step of a pipeline comes to, and what it leaves of the messages.

    Raises BadRequest for what is no pipeline or names a guardrail that is not set up.
    """
    try:
        pipeline = read_pipeline(build_node(wanted.pipeline, "pipeline"))
    except ConfigError as error:
        raise BadRequest(str(error), param=error.path, type="bad_request_error") from error
    by_name = {item.entry.name: item for item in installed}
    missing = next((step.guardrail for step in pipeline.steps if step.guardrail not in by_name), None)
    if missing is not None:
        raise BadRequest(f"There is no guardrail '{missing[:100]}'.", param="pipeline")
    modes = frozenset({pipeline.mode})
    steps = [(step, Chosen(by_name[step.guardrail], modes, {})) for step in pipeline.steps]
    is_request = pipeline.mode is GuardrailMode.PRE_CALL
    direction = Direction.REQUEST if is_request else Direction.RESPONSE
    text = _TrialObject(direction, {"messages": wanted.test_messages})
    results: list[StepResult] = []
    message, refusal = None, None
    try:
        message = await run_pipeline(ChosenPipeline(pipeline.mode, steps), run.runner(), text, results)
    except GatewayError as refused:
        refusal = refused.message
    return {
        "terminal_action": _ending(message, refusal),
        "step_results": results,
        "modified_data": None if text.members["messages"] == wanted.test_messages else text.members,
        "error_message": refusal,
        "modify_response_message": message,
    }


async def try_guardrails(
    book: PolicyBook,
    installed: Sequence[Installed],
    wanted: BatchTrialRequest,
    run: TrialRun,
) -> list[dict[str, Any]]:
    """For each input what the guardrails leave of it, one after another, and what those that refuse say.

    The guardrails of policies run by themselves, without their pipelines. Raises NotFound for unknown names
    and BadRequest for too many inputs.
    """
    if len(wanted.inputs_list) > _MOST_INPUTS:
        raise BadRequest(f"'inputs_list' has more than {_MOST_INPUTS} entries.", param="inputs_list")
    names: dict[str, None] = {}
    for name in wanted.policy_names or ():
        if name not in book.policies:
            raise NotFound(f"There is no policy '{name[:100]}'.", param="policy_names")
        names |= dict.fromkeys(book.policies[name].guardrails)
    names |= dict.fromkeys(wanted.guardrail_names or ())
    by_name = {item.entry.name: item for item in installed}
    for name in names:
        if name not in by_name:
            raise NotFound(f"There is no guardrail '{name[:100]}'.", param="guardrail_names")
    chosen = [by_name[name] for name in names]
    model = str(wanted.request_data.get("model") or "")
    return [
        await _try_one(chosen, wanted.input_type, inputs, run.runner(model)) for inputs in wanted.inputs_list
    ]


async def _try_one(
    chosen: Sequence[Installed], direction: Direction, inputs: Mapping[str, object], runner: Runner
) -> dict[str, Any]:
    text = _TrialObject(direction, inputs)
    mode = GuardrailMode.PRE_CALL if direction is Direction.REQUEST else GuardrailMode.POST_CALL
    errors: list[dict[str, str]] = []
    for item in chosen:
        try:
            await runner.ask(Chosen(item, frozenset({mode}), {}), mode, text)
        except GatewayError as refused:
            errors.append({"guardrail_name": item.entry.name, "message": refused.message})
    return {"inputs": text.members, "guardrail_errors": errors, "agent_response": None}


def _ending(message: str | None, refusal: str | None) -> StepAction:
    if message is not None:
        return StepAction.MODIFY_RESPONSE
    return StepAction.ALLOW if refusal is None else StepAction.BLOCK
