"""Decide asks by a policy: a decision, a mapping or a function. No I/O; the driver calls functions.

A mapping is read as opencode reads its `permission` setting: the last match wins. It is a convenience, no sandbox.
Servers split a command at `;`, `&&`, `|`, line ends and `$(...)`, and each part has to match. But `git *` also permits
`git -c alias.x='!touch x' x` and `git log > x`.

Source: `Wildcard.match` and `PermissionNext.evaluate` of opencode 1.1.31 to 1.18.33.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, TypeAlias, TypeGuard

from ..errors import ArgumentError
from ..wildcards import matches_wildcard
from .result import Reject
from .updates import Ask, PermissionAsk, QuestionAsk

Decision: TypeAlias = Literal["once", "always", "reject"] | Reject
"""Answer to a permission."""
_Choice: TypeAlias = Decision | Literal["ask"]
"""`ask` yields the permission as a `PermissionAsk`; `run` does not accept it."""
_Rules: TypeAlias = Mapping[str, _Choice | Mapping[str, _Choice]]
_Later: TypeAlias = Awaitable[_Choice | None]
PermissionPolicy: TypeAlias = _Choice | _Rules | Callable[[PermissionAsk], _Choice | _Later | None]
Answers: TypeAlias = str | Sequence[str | Sequence[str]]
"""Answers in the order of the questions: the label of an option, a text, or a list of them."""
_ByQuestion: TypeAlias = Mapping[str, str | Sequence[str]]
_Asking: TypeAlias = Callable[[QuestionAsk], Answers | Awaitable[Answers | None] | None]
QuestionPolicy: TypeAlias = Literal["reject", "ask"] | _ByQuestion | _Asking
Answered: TypeAlias = _Choice | list[list[str]]

_STRICTEST_FIRST = ("reject", "message", "ask", "once", "always")
_HINTS = {
    "always": r"\balways|\bforever",
    "reject": r"\b(den[iy]|disallow|refus|declin|block|never|no\b|false)",
    "once": r"\b(once|allow|accept|approv|grant|permit|yes|ok\b|true)",
}
"""Words that other programs use for a decision, as regular expressions."""


def check_policies(permissions: Any, questions: Any, *, may_ask: bool) -> None:  # Any: checked here
    """Check the arguments `permissions` and `questions`.

    Raises:
        ArgumentError: one is wrong, or has the decision "ask" although `may_ask` is False.
    """
    is_function = callable(permissions) and not isinstance(permissions, type)  # not the class Reject
    decisions = [] if is_function else _values(permissions)
    if not callable(questions) and not isinstance(questions, Mapping):
        if questions not in ("reject", "ask"):
            raise ArgumentError(
                f'questions takes "reject", a mapping from questions to answers, or a function, not {questions!r}'
            )
        decisions.append(questions)
    for decision in decisions:
        if _checked(decision) == "ask" and not may_ask:
            raise ArgumentError('"ask": nobody can answer during run(); use turn(), or a function')


def decide(ask: Ask, policy: Any, *, may_ask: bool) -> Answered:  # Any: a policy that is no function
    """Return the decision of a policy. Without a match it is "ask" if `may_ask`, else "reject"."""
    rest: _Choice = "ask" if may_ask else "reject"
    if not is_mapping(policy):
        return answered(ask, policy, may_ask=may_ask)
    if isinstance(ask, PermissionAsk):
        found: list[_Choice] = [
            _last_match(policy, ask.permission, pattern, rest) for pattern in ask.patterns or ("*",)
        ]
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
    is_decision = isinstance(ask, PermissionAsk) or value in ("ask", "reject")
    return _checked(value) if is_decision else answers_of(ask, value)


def answers_of(ask: Ask, answers: Any) -> list[list[str]]:  # Any: checked here
    """Return the answers in the server's form: a list of texts for each question.

    Raises:
        ArgumentError: they are not texts, or their number differs from the number of questions.
    """
    if not isinstance(ask, QuestionAsk):
        raise ArgumentError("answer takes a QuestionAsk; decide a PermissionAsk with reply()")
    count = len(ask.questions)
    given: list[Any] = list(answers) if is_list(answers) else [answers]
    given = [given] if count == 1 != len(given) else given
    lists: list[list[Any]] = [list(one) if is_list(one) else [one] for one in given]
    if len(lists) == count and all(isinstance(text, str) for one in lists for text in one):
        return lists
    raise ArgumentError(f"{count} questions take {count} answers, each a text or a list, not {answers!r}")


def decision_of(value: Any) -> Decision:  # Any: checked here
    """Return the decision of a person. Raises ArgumentError if it is none."""
    if isinstance(value, Reject) or value in ("once", "always", "reject"):
        decision: Decision = value
        return decision
    word = str(value) if isinstance(value, str | bool) else ""
    hints = [name for name, words in _HINTS.items() if re.search(words, word, re.IGNORECASE)]
    hint = f'; do you mean "{hints[0]}"?' if hints else ""
    raise ArgumentError(f'a decision is "once", "always", "reject" or Reject("why"), not {value!r}{hint}')


def _checked(value: Any) -> _Choice:  # Any: checked here
    return "ask" if value == "ask" else decision_of(value)


def _values(policy: Any) -> list[Any]:  # Any: as above
    return [one for rule in policy.values() for one in _values(rule)] if is_mapping(policy) else [policy]


def is_list(value: object) -> TypeGuard[Sequence[Any]]:  # Any: of the user
    """Return True for a list or a tuple."""
    return isinstance(value, list | tuple)


def is_mapping(value: object) -> TypeGuard[Mapping[str, Any]]:  # Any: of the user
    """Return True for a mapping."""
    return isinstance(value, Mapping)


def _last_match(rules: Mapping[str, Any], permission: str, pattern: str, rest: _Choice) -> _Choice:
    found = rest
    for name, rule in rules.items():
        if matches_wildcard(permission, name):
            patterns: Mapping[str, _Choice] = rule if is_mapping(rule) else {"*": rule}
            for wildcard, decision in patterns.items():
                found = decision if matches_wildcard(pattern, wildcard) else found
    return found


def _strictness(decision: _Choice) -> int:
    return _STRICTEST_FIRST.index("message" if isinstance(decision, Reject) else decision)
