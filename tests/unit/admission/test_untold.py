import asyncio

from gateway.admission.part import build_part
from gateway.admission.shared.names import Names
from gateway.admission.shared.steps import REGISTER, SETTLE, RemotePart, Step
from gateway.admission.shared.untold import Untold


def make_part() -> RemotePart:
    return RemotePart(build_part((), ()), Names("test"), "epoch")


def make_step(kind: int) -> Step:
    return Step(kind, 0, "charge", 7, (), -1)


async def test_two_that_tell_at_once_tell_each_step_once_and_in_order() -> None:
    # A hold that is made known again after it was settled would be settled twice.
    untold, told = Untold(), list[int]()
    for kind in (REGISTER, SETTLE):
        untold.add(make_part(), make_step(kind))

    async def run(step: Step, _part: RemotePart) -> None:
        await asyncio.sleep(0)
        told.append(step.kind)

    await asyncio.gather(untold.tell("epoch", run), untold.tell("epoch", run))
    assert told == [REGISTER, SETTLE]
