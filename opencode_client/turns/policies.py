"""Decide asks by a policy: a decision, a mapping or a function. No I/O; the driver calls functions.

A mapping is read as opencode reads its `permission` setting: the last match wins.

Source: `Wildcard.match` and `PermissionNext.evaluate` of opencode 1.1.31 to 1.18.33.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Literal, TypeAlias

from ..errors import ArgumentError
from .result import Reject
from .updates import Ask, PermissionAsk, QuestionAsk

Decision: TypeAlias = Literal["once", "always", "reject", "ask"] | Reject
"""Answer to a permission. `ask` yields it as a `PermissionAsk`; `run` does not accept it."""
Rules: TypeAlias = Mapping[str, "Decision | Mapping[str, Decision]"]
PermissionPolicy: TypeAlias = (
    "Decision | Rules | Callable[[PermissionAsk], Decision | Awaitable[Decision | None] | None]"
)
Answers: TypeAlias = str | Sequence[str | Sequence[str]]
"""Answers in the order of the questions: the label of an option, a text, or a list of them."""
QuestionPolicy: TypeAlias = (
    "Literal['reject', 'ask'] | Mapping[str, str | Sequence[str]]"
    " | Callable[[QuestionAsk], Answers | Awaitable[Answers | None] | None]"
)
Answered: TypeAlias = "Decision | list[list[str]]"

_STRICTEST_FIRST = ("reject", "message", "ask", "once", "always")


def check_policies(permissions: object, questions: object, *, may_ask: bool) -> None:
    """Check the arguments `permissions` and `questions`.

    Raises:
        ArgumentError: one is wrong, or leaves something to a person although `may_ask` is False.
    """
    for name, policy in (("permissions", permissions), ("questions", questions)):
        if callable(policy):
            continue
        for value in _values(policy) if name == "permissions" or isinstance(policy, str) else ():
            if value == "ask" and not may_ask:
                raise ArgumentError(f'{name}="ask": nobody can answer during run(); use turn()')
            if name == "questions" and value not in ("reject", "ask"):
                raise ArgumentError(
                    f'questions takes "reject", "ask", a mapping or a function, not {value!r}'
                )
            _checked(value)
        if name == "questions" and not isinstance(policy, str | Mapping):
            raise ArgumentError(f"questions takes a mapping or a function, not {policy!r}")


def decide(ask: Ask, policy: object, *, may_ask: bool) -> Answered:
    """Return the decision of a policy that is no function. What it leaves open is "ask", or "reject"."""
    rest: Decision = "ask" if may_ask else "reject"
    if not isinstance(policy, Mapping):
        return answered(ask, policy, may_ask=may_ask)
    if isinstance(ask, PermissionAsk):
        found = [_last_match(policy, ask.permission, pattern, rest) for pattern in ask.patterns or ("*",)]
        return min(found, key=_strictness)
    answers = [policy.get(one.question, policy.get(one.header)) for one in ask.questions]
    return rest if None in answers else answers_of(ask, answers)


def answered(ask: Ask, value: object, *, may_ask: bool) -> Answered:
    """Return the decision that a function returned. None leaves the ask open.

    Raises:
        ArgumentError: it is no decision, or no answers.
    """
    if value is None or (value == "ask" and not may_ask):
        return "ask" if may_ask else "reject"
    if isinstance(ask, PermissionAsk) or value in ("ask", "reject"):
        return _checked(value)
    return answers_of(ask, value)


def answers_of(ask: QuestionAsk, answers: object) -> list[list[str]]:
    """Return the answers as the server takes them: a list of texts for each question.

    Raises:
        ArgumentError: they are not texts, or their number differs from that of the questions.
    """
    given = [answers] if isinstance(answers, str) else answers
    if not isinstance(given, Sequence) or not all(isinstance(one, Sequence) for one in given):
        raise ArgumentError(f"answers are texts or lists of texts, not {answers!r}")
    count = len(ask.questions)
    if count == 1 and len(given) != 1:
        given = [given]
    lists = [[one] if isinstance(one, str) else list(one) for one in given]
    if len(lists) != count or not all(isinstance(text, str) for one in lists for text in one):
        raise ArgumentError(f"{count} questions take {count} answers, each a text or a list, not {answers!r}")
    return lists


def _checked(value: object) -> Decision:
    if isinstance(value, Reject) or value in ("once", "always", "reject", "ask"):
        return value
    raise ArgumentError(f'a decision is "once", "always", "reject" or Reject("why"), not {value!r}')


def _values(policy: object) -> Iterator[object]:
    if isinstance(policy, Mapping):
        for value in policy.values():
            yield from _values(value)
    else:
        yield policy


def _last_match(rules: Rules, permission: str, pattern: str, rest: Decision) -> Decision:
    found = rest
    for name, rule in rules.items():
        if _matches(permission, name):
            for wildcard, decision in rule.items() if isinstance(rule, Mapping) else (("*", rule),):
                found = decision if _matches(pattern, wildcard) else found
    return found


def _matches(text: str, wildcard: str) -> bool:
    expression = re.escape(wildcard.replace("\\", "/")).replace(r"\*", ".*").replace(r"\?", ".")
    if expression.endswith(r"\ .*"):  # `ls *` matches `ls`, too
        expression = expression[:-4] + r"(\ .*)?"
    return re.fullmatch(expression, text.replace("\\", "/"), re.DOTALL) is not None


def _strictness(decision: Decision) -> int:
    return _STRICTEST_FIRST.index("message" if isinstance(decision, Reject) else decision)
