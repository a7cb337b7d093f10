"""Runs the guardrails of a pipeline one after another, and does what follows from each outcome."""

from collections.abc import Iterator

import msgspec

from gateway.errors import GatewayError, GuardrailBlocked, ServiceUnavailable
from gateway.guardrails.choice import ChosenPipeline
from gateway.guardrails.runner import Runner, Text
from gateway.sdk import Content, Edit, PieceKind
from gateway.settings.policies import StepAction

__all__ = ["StepResult", "answer_instead", "run_pipeline"]


class StepResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one step came to; `outcome` is `pass`, `fail` or `error`."""

    guardrail_name: str
    outcome: str
    action_taken: StepAction
    error_detail: str | None = None
    duration_seconds: float


async def run_pipeline(
    pipeline: ChosenPipeline, runner: Runner, text: Text, results: list[StepResult] | None = None
) -> str | None:
    """Run a pipeline on a text, which its guardrails edit; return the answer to give instead, if any.

    `results` are told of each step. Raises as the guardrail whose outcome blocks.
    """
    for step, chosen in pipeline.steps:
        refusal: GatewayError | None = None
        began = runner.clock.monotonic_nanos()
        try:
            await runner.ask(chosen, pipeline.mode, text)
        except GuardrailBlocked as blocked:
            refusal, outcome, action = blocked, "fail", step.on_fail
        except ServiceUnavailable as failed:
            refusal, outcome, action = failed, "error", step.on_error or step.on_fail
        else:
            outcome, action = "pass", step.on_pass
        if results is not None:
            results.append(
                StepResult(
                    guardrail_name=step.guardrail,
                    outcome=outcome,
                    action_taken=action,
                    error_detail=None if refusal is None else refusal.message,
                    duration_seconds=(runner.clock.monotonic_nanos() - began) / 1e9,
                )
            )
        if action is StepAction.MODIFY_RESPONSE:
            return step.message
        if action is StepAction.BLOCK:
            raise refusal or GuardrailBlocked(
                "The policy of this call does not let it pass.", details={"guardrail": step.guardrail}
            )
        if action is StepAction.ALLOW:
            return None
    return None


def answer_instead(text: Text, message: str) -> None:
    """Have an answer say the message and nothing else.

    Raises GuardrailBlocked with the message where the answer has no text to put it in, or calls tools.
    """
    edits = list(_replacements(text.content(), message))
    if not edits:
        raise GuardrailBlocked(message)
    text.edit(edits)


def _replacements(content: Content, message: str) -> Iterator[Edit]:
    kinds = {piece.kind for piece in content.pieces}
    if PieceKind.TEXT not in kinds or PieceKind.TOOL_CALL in kinds:
        return
    for place, piece in content.texts():
        if not piece.is_fixed:
            is_text = piece.kind is PieceKind.TEXT
            yield Edit(place, 0, len(piece.text), message if is_text else "")
            message = "" if is_text else message
