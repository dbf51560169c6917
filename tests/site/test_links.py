"""Links of the repository's files become links of the site."""

from __future__ import annotations

import pytest

from scripts.site.pages import LinkError, Links, Page

_PAGES = {
    "docs/README.md": Page("en", "index.md"),
    "docs/turns.md": Page("en", "turns.md"),
    "docs/api/en/08-session.md": Page("en", "api/08-session.md"),
    "docs/zh/README.md": Page("zh", "index.md"),
    "docs/api/zh/08-session.md": Page("zh", "api/08-session.md"),
}
_FILES = frozenset({*_PAGES, "README.md", "opencode_client", "opencode_client/api/session.py"})
_ADDRESS = "https://forge.example/owner/project"


def _rewritten(source: str, text: str, repository: str = "") -> str:
    return Links(_PAGES, _FILES, repository).rewrite(source, text)


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("docs/turns.md", "README.md", "index.md"),
        ("docs/turns.md", "api/en/08-session.md#fork", "api/08-session.md#fork"),
        ("docs/api/en/08-session.md", "../../turns.md#errors", "../turns.md#errors"),
        ("docs/turns.md", "zh/README.md", "zh/index.html"),
        ("docs/api/en/08-session.md", "../zh/08-session.md#fork", "../zh/api/08-session.html#fork"),
        ("docs/api/zh/08-session.md", "../../turns.md#errors", "../../turns.html#errors"),
        ("docs/turns.md", "https://opencode.ai", "https://opencode.ai"),
        ("docs/turns.md", "#errors", "#errors"),
    ],
)
def test_a_link_to_a_page_becomes_a_link_of_the_site(source: str, target: str, expected: str) -> None:
    assert _rewritten(source, f"See [it]({target}).") == f"See [it]({expected})."


def test_a_link_to_another_file_becomes_a_link_to_the_repository() -> None:
    text = _rewritten(
        "docs/api/en/08-session.md", "[`fork`](../../../opencode_client/api/session.py#L9)", _ADDRESS
    )
    assert text == f"[`fork`]({_ADDRESS}/blob/HEAD/opencode_client/api/session.py#L9)"


def test_a_link_to_another_file_is_text_while_the_project_has_no_address() -> None:
    assert (
        _rewritten("docs/turns.md", "[README](../README.md), [`code`](../opencode_client)")
        == "README, `code`"
    )


def test_code_is_unchanged() -> None:
    text = "`[a](b.md)` and\n\n```markdown\n[a](b.md)\n```\n"
    assert _rewritten("docs/turns.md", text) == text


def test_a_link_to_a_missing_file_is_an_error() -> None:
    with pytest.raises(LinkError, match=r"docs/turns.md links to gone.md#x, but docs/gone.md does not exist"):
        _rewritten("docs/turns.md", "See [it](gone.md#x).")
