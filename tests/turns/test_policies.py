"""Policies for asks: decisions, mappings as opencode reads them, answers."""

from __future__ import annotations

from typing import Any

import pytest

from opencode_client import ArgumentError, PermissionAsk, QuestionAsk, Reject
from opencode_client.models import QuestionInfo
from opencode_client.turns.policies import answers_of, check_policies, decide, decision_of

_RULES: Any = {
    "*": "reject",
    "edit": "once",
    "bash": {"*": "reject", "git *": "once", "git push *": Reject("ask me")},
}


def _ask(permission: str, *patterns: str) -> PermissionAsk:
    return PermissionAsk(
        id="per_1", session_id="ses_1", directory="/", permission=permission, patterns=patterns
    )


def _questions(*headers: str) -> QuestionAsk:
    infos = [QuestionInfo(question=f"{one}?", header=one, options=[]) for one in headers]
    return QuestionAsk(id="que_1", session_id="ses_1", directory="/", questions=infos)


@pytest.mark.parametrize(
    ("ask", "decision"),
    [
        (_ask("edit", "a.py"), "once"),
        (_ask("webfetch", "http://x"), "reject"),
        (_ask("bash", "git status"), "once"),
        (_ask("bash", "git"), "once"),
        (_ask("bash", "git log\nrm -r /"), "once"),  # `*` matches everything: no sandbox
        (_ask("bash", "git push origin"), Reject("ask me")),
        (_ask("bash", "rm -r /"), "reject"),
        (_ask("bash", "git status", "rm -r /"), "reject"),
        (_ask("bash", "git status", "git push origin"), Reject("ask me")),
        (_ask("bash"), "reject"),
    ],
)
def test_the_last_matching_rule_and_the_strictest_of_several_patterns_win(
    ask: PermissionAsk, decision: object
) -> None:
    assert decide(ask, _RULES, may_ask=True) == decision


@pytest.mark.parametrize(
    ("pattern", "matches"), [("a?c", True), ("a.c", False), ("abc*", True), ("ab", False)]
)
def test_only_stars_and_question_marks_are_special(pattern: str, matches: bool) -> None:
    assert decide(_ask("edit", "abc"), {"edit": {pattern: "once"}}, may_ask=False) == (
        "once" if matches else "reject"
    )


@pytest.mark.parametrize(("may_ask", "decision"), [(True, "ask"), (False, "reject")])
def test_an_ask_without_a_matching_rule_stays_open_or_is_rejected(may_ask: bool, decision: str) -> None:
    assert decide(_ask("bash", "ls"), {"edit": "once"}, may_ask=may_ask) == decision
    assert decide(_questions("A", "B"), {"A": "yes"}, may_ask=may_ask) == decision


@pytest.mark.parametrize(
    ("headers", "given", "sent"),
    [
        (["A"], "yes", [["yes"]]),
        (["A"], ["yes"], [["yes"]]),
        (["A"], ["x", "y"], [["x", "y"]]),
        (["A"], [["x", "y"]], [["x", "y"]]),
        (["A", "B"], ["x", ["y", "z"]], [["x"], ["y", "z"]]),
    ],
)
def test_answers_are_sent_as_a_list_for_each_question(
    headers: list[str], given: object, sent: object
) -> None:
    assert answers_of(_questions(*headers), given) == sent


@pytest.mark.parametrize("given", ["x", ["x"], ["x", "y", "z"], [1, 2], 5, None])
def test_answers_that_do_not_fit_the_questions_are_errors(given: object) -> None:
    with pytest.raises(ArgumentError):
        answers_of(_questions("A", "B"), given)


@pytest.mark.parametrize(
    ("permissions", "questions"),
    [
        ("ask", "reject"),
        ({"bash": "ask"}, "reject"),
        ({"bash": {"*": 1}}, "reject"),
        ("maybe", "reject"),
        (None, "reject"),
        ("reject", "ask"),
        ("once", "once"),
        ("once", 5),
    ],
)
def test_wrong_policies_raise_argument_error(permissions: object, questions: object) -> None:
    with pytest.raises(ArgumentError):
        check_policies(permissions, questions, may_ask=False)


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("allow", "once"),
        ("Approve", "once"),
        (True, "once"),
        ("always allow", "always"),
        ("deny", "reject"),
        ("disallow", "reject"),
        (False, "reject"),
    ],
)
def test_a_decision_word_of_another_program_gets_a_hint(word: object, meant: str) -> None:
    for policy in (word, {"bash": {"*": word}}):
        with pytest.raises(ArgumentError, match=f'do you mean "{meant}"'):
            check_policies(policy, "reject", may_ask=False)


@pytest.mark.parametrize("word", ["unknown", 5, ["once"], {}])
def test_other_values_get_no_hint(word: object) -> None:
    with pytest.raises(ArgumentError, match=r"a decision is [^;]*$"):
        decision_of(word)


@pytest.mark.parametrize("value", ["ask", None])
def test_ask_and_none_are_not_decisions(value: object) -> None:
    with pytest.raises(ArgumentError, match="a decision is"):
        decision_of(value)


def test_answering_a_permission_ask_raises_an_error_that_names_reply() -> None:
    with pytest.raises(ArgumentError, match=r"decide a PermissionAsk with reply\(\)"):
        answers_of(_ask("*"), ["yes"])
