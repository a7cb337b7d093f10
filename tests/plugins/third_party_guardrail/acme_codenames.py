"""Names of secret projects are masked in what goes to a model, and refused in what comes back."""

import re

import msgspec

from gateway.sdk import Content, Direction, Edit, Guardrail, GuardrailCall, Verdict


class Codenames(Guardrail):
    """Built once per item of `guardrails` that names it."""

    class Params(msgspec.Struct, frozen=True):
        """What the operator writes beside `guardrail` and `mode`."""

        names: tuple[str, ...]

    window = 40

    def __init__(self, params: Params) -> None:
        if any(not 0 < len(name) <= self.window for name in params.names):
            raise ValueError(f"a name has 1 to {self.window} characters")
        self._pattern = re.compile("|".join(map(re.escape, params.names)), re.IGNORECASE)

    def inspect(self, content: Content, call: GuardrailCall) -> Verdict | None:
        edits = [
            Edit(place, match.start(), match.end(), "[PROJECT]")
            for place, piece in content.texts()
            for match in self._pattern.finditer(piece.text)
        ]
        if not edits:
            return None
        if content.direction is Direction.RESPONSE:
            return Verdict(refusal=f"The answer to {call.key_alias or 'you'} names a secret project.")
        return Verdict(edits=tuple(edits), categories=("codename",), masked={"codename": len(edits)})
