"""The guardrail `json_schema`: an answer that is no JSON of the operator's schema is refused.

Schemas are those of https://json-schema.org, up to draft 2020-12.
"""

import json
from typing import Any, ClassVar

import jsonschema_rs
import msgspec

from gateway.sdk import Content, Direction, Guardrail, GuardrailCall, PieceKind, Verdict

__all__ = ["JsonSchema", "JsonSchemaParams"]

_MOST_MATCHES = 10_000_000


class JsonSchemaParams(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, rename={"definition": "schema"}
):
    """The schema."""

    definition: dict[str, Any]
    """What each text of an answer has to be, as a JSON Schema."""


class JsonSchema(Guardrail):
    """Looks at what models answer; calls of tools and reasoning are not held to the schema."""

    Params: ClassVar[type[JsonSchemaParams]] = JsonSchemaParams

    def __init__(self, params: JsonSchemaParams) -> None:
        """Raises ValueError for what is no schema."""
        try:
            self._validator: Any = jsonschema_rs.validator_for(params.definition)
        except (jsonschema_rs.ValidationError, ValueError) as error:
            raise ValueError(f"'schema' is no JSON Schema: {str(error).splitlines()[0]}") from None

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        """Refuse an answer with a text that is not valid."""
        if content.direction is Direction.REQUEST:
            return None
        for _, piece in content.texts():
            if piece.kind is not PieceKind.TEXT or not piece.text.strip():
                continue
            problem = self._find_problem(piece.text)
            if problem:
                refusal = f"The guardrail '{call.guardrail}' refuses the answer: {piece.path} {problem}."
                return Verdict(refusal=refusal, categories=("json_schema",))
        return None

    def _find_problem(self, text: str) -> str:
        try:
            value: object = json.loads(text)
        except (ValueError, RecursionError):
            return "is no JSON"
        error = next(iter(self._validator.iter_errors(value)), None)
        if error is None:
            return ""
        # The message of the library repeats the value.
        where = "".join(f"/{step}" for step in error.instance_path) or "as a whole"
        return f"is not of the schema: {where}"
