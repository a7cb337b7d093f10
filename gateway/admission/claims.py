"""The claims of one request, as hooks see them."""

from collections.abc import Iterator, Sequence
from typing import overload

from gateway.admission.part import Part
from gateway.domain import Claim, LimitKind
from gateway.hooks import RequestContext

__all__ = ["Claims"]


class Claims(Sequence[Claim]):
    """The claims of one request on its limits; the ledger reads `part` instead of listing them."""

    __slots__ = ("_context", "part")

    def __init__(self, part: Part, context: RequestContext) -> None:
        self.part = part
        self._context = context

    def __iter__(self) -> Iterator[Claim]:
        context = self._context
        amounts = {
            LimitKind.BUDGET: context.estimated_cost_nanos,
            LimitKind.TOKENS: context.estimated_tokens,
            LimitKind.INPUT_TOKENS: context.estimated_input_tokens,
            LimitKind.OUTPUT_TOKENS: context.estimated_output_tokens,
        }
        return (Claim(item.limit, amounts.get(item.limit.kind, 1)) for item in self.part.accounts)

    def __len__(self) -> int:
        return len(self.part.accounts)

    @overload
    def __getitem__(self, index: int) -> Claim: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Claim]: ...
    def __getitem__(self, index: int | slice) -> Claim | Sequence[Claim]:
        return list(self)[index]
