"""All questions, in order, by name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from kedge.venues.contract import account, amending, market, orders, streams
from kedge.venues.contract.examinee import Candidate, Examinee

Question = Callable[[Candidate], Awaitable[None]]

QUESTIONS: dict[str, Question] = {
    question.__name__: question for part in (market, orders, amending, account, streams) for question in part.QUESTIONS
}


async def ask(name: str, examinee: Examinee) -> None:
    """Put one question; `AssertionError` where the gateway fails it, `NotApplicable` where it cannot be asked."""
    await QUESTIONS[name](Candidate(examinee))
