"""Changes between two packages: real generated files, some of them edited."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.changes.surface import read_surface, sent_and_received
from scripts.rooms import PACKAGE
from tests.changes.package_copies import edit, report_lines, write_package

_EDITS = [
    # the arguments of methods, of both clients
    ("api/session.py", "        search: str | None = None,\n", ""),
    ("api/session.py", "        roots: bool | None = None,", "        roots: bool,"),
    ("api/session.py", "limit: float | None", "limit: int | None"),
    ("api/session.py", 'scope: Literal["project"] | None', 'scope: Literal["project", "all"] | None'),
    ("api/session.py", "parts: Sequence[PartInput | JsonMapping],", "parts: Sequence[PartInput], tone: str,"),
    ("api/session.py", "        no_reply: bool | None = None,", "        no_reply: bool | None = UNSET,"),
    (
        "api/session.py",
        "        system: str | None = None,",
        "        system: None | str = None, seed: int = 0,",
    ),
    # return types
    ("api/session.py", "builtins.list[Todo]", "builtins.list[Todo | None]"),
    # the namespaces
    ("api/session.py", "    def children(", "    def offspring("),
    ("api/session.py", "    async def abort(", "    async def stop("),
    ("api/__init__.py", "    def vcs(", "    def repository("),
    # models: Session is received, TextPartInput is sent, Todo is received
    ("models/session.py", "    title: str\n", "    title: str | None = None\n    colour: str\n"),
    ("models/session.py", "    cost: float | None", "    cost: int | None"),
    ("models/session.py", "    slug: str\n", ""),
    ("models/part_input.py", "    text: str\n", "    text: str\n    language: str\n"),
    ("models/part_input.py", "    synthetic: bool | None = None", "    synthetic: bool"),
    ("models/part_input.py", "    ignored: bool | None", "    ignored: bool | str | None"),
    ("models/message.py", '"UserMessage | Ass', '"SystemMessage | UserMessage | Ass'),
    ("models/part_input.py", "SubtaskPartInput | UnknownPartInput", "UnknownPartInput"),
    (
        "models/__init__.py",
        "    from .message_with_parts import MessageWithParts as MessageWithParts\n",
        "",
    ),
    # hand-written code
    ("client.py", "        max_retries: int | Unset = UNSET,\n", ""),
    ("errors/__init__.py", "class ConflictError(StatusError)", "class ConflictError(OpencodeError)"),
]

_EXPECTED = {
    "! client.session.list(search): argument removed",
    "! client.session.list(roots): argument is required now",
    "! client.session.list(limit): float | None -> int | None",
    "client.session.list(scope): Literal['project'] | None -> Literal['project', 'all'] | None",
    "! client.session.prompt(parts): Sequence[PartInput | JsonMapping] -> Sequence[PartInput]",
    "! client.session.prompt(tone): argument added, required",
    "! client.session.prompt_async(parts): Sequence[PartInput | JsonMapping] -> Sequence[PartInput]",
    "! client.session.prompt_async(tone): argument added, required",
    "client.session.prompt_async(seed): argument added, optional",
    "client.session.prompt(seed): argument added, optional",
    "! client.session.todo: returns list[Todo] -> list[Todo | None]",
    "! client.session.children: method removed",
    "client.session.offspring: method added",
    "! async client.session.abort: method removed",
    "async client.session.stop: method added",
    "! client.vcs: namespace removed",
    "client.repository: namespace added",
    "! models.Session.title: str -> str | None",
    "models.Session.colour: attribute added",
    "models.Session.cost: float | None -> int | None",
    "! models.Session.slug: attribute removed",
    "! models.TextPartInput.language: attribute added, required",
    "! models.TextPartInput.synthetic: is required now",
    "! models.TextPartInput.synthetic: bool | None -> bool",
    "models.TextPartInput.ignored: bool | None -> bool | str | None",
    "models.Message: UserMessage | AssistantMessage | UnknownMessage"
    " -> SystemMessage | UserMessage | AssistantMessage | UnknownMessage",
    "! models.PartInput: without SubtaskPartInput",
    "! models.MessageWithParts: class removed",
    "! models.SessionPromptResponse: class removed",
    "! models.SessionShellResponse: class removed",
    "! OpencodeClient.with_options(max_retries): argument removed",
    "! ConflictError: no longer a subclass of StatusError",
}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some files of the package."""
    return write_package(tmp_path_factory.mktemp("before"))


@pytest.fixture(scope="module")
def after(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same files with every edit."""
    folder = write_package(tmp_path_factory.mktemp("after"))
    for name, old, new in _EDITS:
        edit(folder, name, old=old, new=new)
    return folder


@pytest.fixture(scope="module")
def found(before: Path, after: Path) -> list[str]:
    """The changes for all edits."""
    return report_lines(before, after)


@pytest.mark.parametrize("expected", sorted(_EXPECTED))
def test_each_edit_is_found(found: list[str], expected: str) -> None:
    assert found.count(expected) == 1


def test_only_the_edits_are_reported(found: list[str]) -> None:
    assert set(found) - _EXPECTED == set()


def test_a_package_against_itself_has_no_changes(before: Path) -> None:
    assert report_lines(before, before) == []


def test_a_client_in_another_module_is_not_a_change(before: Path, tmp_path: Path) -> None:
    moved = write_package(tmp_path)
    (moved / PACKAGE / "new_home.py").write_bytes((moved / PACKAGE / "client.py").read_bytes())
    edit(moved, "client.py", old="class OpencodeClient(", new="class Gone(")
    edit(moved, "__init__.py", old="from .client import O", new="from .new_home import O")
    assert report_lines(before, moved) == []


def test_members_of_a_public_base_are_members_of_the_class(tmp_path: Path) -> None:
    base = "class Base:\n    size: int\nclass Wide(Base):\n    text: str\n"
    for name, code in (
        ("old", "class Narrow(Base):\n    text: str\n"),
        ("new", "class Narrow(Wide):\n    pass\n"),
    ):
        (tmp_path / name / PACKAGE).mkdir(parents=True)
        (tmp_path / name / PACKAGE / "shapes.py").write_text(f"{base}{code}", encoding="utf-8")
        exports = '__all__ = ["Base", "Narrow", "Wide"]\nfrom .shapes import Base, Narrow, Wide\n'
        (tmp_path / name / PACKAGE / "__init__.py").write_text(exports, encoding="utf-8")
    assert report_lines(tmp_path / "old", tmp_path / "new") == []
    assert report_lines(tmp_path / "new", tmp_path / "old") == ["! Narrow: no longer a subclass of Wide"]


def test_a_clients_constructor_is_compared_even_if_a_method_returns_the_client(tmp_path: Path) -> None:
    for name, argument in (("old", "strict: bool = False"), ("new", "")):
        (tmp_path / name / PACKAGE).mkdir(parents=True)
        code = f"""\
class OpencodeClient:
    def __init__(self, {argument}) -> None: ...

class OpencodeServer:
    def client(self) -> OpencodeClient: ...
"""
        (tmp_path / name / PACKAGE / "both.py").write_text(code, encoding="utf-8")
        exports = '__all__ = ["OpencodeClient", "OpencodeServer"]\nfrom .both import OpencodeClient, OpencodeServer\n'
        (tmp_path / name / PACKAGE / "__init__.py").write_text(exports, encoding="utf-8")
    assert report_lines(tmp_path / "old", tmp_path / "new") == [
        "! OpencodeClient.__init__(strict): argument removed"
    ]


@pytest.mark.parametrize(
    ("new", "expected"),
    [
        ("self, parts: Any, /, limit: int = 0", "changed between positional and keyword"),
        ("self, *, parts: Any, limit: int = 0", "changed between positional and keyword"),
        ("self, limit: int = 0, parts: Any = 0", "has another position now"),
    ],
)
def test_a_changed_kind_of_an_argument_is_breaking(tmp_path: Path, new: str, expected: str) -> None:
    for name, arguments in (("old", "self, parts: Any, limit: int = 0"), ("new", new)):
        (tmp_path / name / PACKAGE).mkdir(parents=True)
        text = f'__all__ = ["Note"]\nclass Note:\n    def add({arguments}) -> None: ...\n'
        (tmp_path / name / PACKAGE / "__init__.py").write_text(text, encoding="utf-8")
    assert f"! Note.add(parts): argument {expected}" in report_lines(tmp_path / "old", tmp_path / "new")


_NOTE = "class Note:\n    def add(self, it: {name}) -> {name}: ...\n"
_CLASS = "@define\nclass {name}:\n    id: str\n    size: int\n"
_IMPORT = "    from .{module} import {name} as {name}\n"
_ALIAS = "    B: TypeAlias = A\n"
_A, _B = (_IMPORT.format(module=name.lower(), name=name) for name in "AB")


def _package(folder: Path, names: str, *, taken: str = "A", a: str = _CLASS.format(name="A")) -> Path:
    """Write a package with the class Note, whose method takes and returns a model."""
    models = folder / PACKAGE / "models"
    models.mkdir(parents=True)
    note = f'__all__ = ["Note"]\n{_NOTE.format(name=taken)}'
    (folder / PACKAGE / "__init__.py").write_text(note, encoding="utf-8")
    (models / "__init__.py").write_text(f"if TYPE_CHECKING:\n{names}", encoding="utf-8")
    (models / "a.py").write_text(a, encoding="utf-8")
    (models / "b.py").write_text(_CLASS.format(name="B"), encoding="utf-8")
    return folder


def test_a_class_that_becomes_an_alias_of_an_equal_class_is_unchanged(tmp_path: Path) -> None:
    old = _package(tmp_path / "old", _A + _B, taken="B")
    assert report_lines(old, _package(tmp_path / "new", _A + _ALIAS)) == []


def test_a_class_that_becomes_an_alias_of_a_different_class_has_changed(tmp_path: Path) -> None:
    old = _package(tmp_path / "old", _A + _B)
    new = _package(tmp_path / "new", _A + _ALIAS, a="class A:\n    id: str\n")
    assert report_lines(old, new) == [
        "! models.A.size: attribute removed",
        "! models.B.size: attribute removed",
    ]


def test_a_change_of_a_class_is_reported_under_one_name(tmp_path: Path) -> None:
    old = _package(tmp_path / "old", _A + _ALIAS)
    new = _package(tmp_path / "new", _A + _ALIAS, a="class A:\n    id: str\n")
    assert report_lines(old, new) == ["! models.A.size: attribute removed"]


def test_an_added_or_removed_alias_is_reported(tmp_path: Path) -> None:
    with_alias, without = _package(tmp_path / "old", _A + _ALIAS), _package(tmp_path / "new", _A)
    assert report_lines(with_alias, without) == ["! models.B: class removed"]
    assert report_lines(without, with_alias) == ["models.B: class added"]


def test_a_member_of_an_unknown_variant_is_never_required(tmp_path: Path) -> None:
    bare, full = "class A(Unknown): ...\n", "class A(Unknown):\n    id: str | None\n"
    old, new = (_package(tmp_path / name, _A, a=text) for name, text in (("old", bare), ("new", full)))
    assert report_lines(old, new) == ["models.A.id: attribute added"]


def test_every_class_is_added_when_there_was_no_package(before: Path) -> None:
    found = report_lines(Path("nowhere"), before)
    assert "models.Todo: class added" in found
    assert "OpencodeClient: class added" in found
    assert not any(line.startswith("! ") for line in found)


def test_the_methods_decide_if_models_are_sent_or_received(before: Path) -> None:
    sent, received = sent_and_received(read_surface(before))
    assert {"TextPartInput", "UnknownPartInput"} <= sent - received
    assert {"Session", "SessionTime", "MessageWithParts"} <= received - sent


def test_the_package_is_read_without_running_it(before: Path, tmp_path: Path) -> None:
    folder = write_package(tmp_path)
    edit(folder, "__init__.py", old="from __future__", new="raise SystemExit(3)\nfrom __future__")
    assert report_lines(before, folder) == []


def test_the_constructor_of_a_class_that_methods_return_is_not_public(tmp_path: Path) -> None:
    for name, arguments in (("old", "link"), ("new", "link, state")):
        folder = tmp_path / name / PACKAGE
        folder.mkdir(parents=True)
        stream = f"class Stream:\n    def __init__(self, {arguments}): ...\n    def get(self) -> int: ...\n"
        client = (
            f"class Client:\n    def __init__(self, {arguments}): ...\n    def open(self) -> Stream: ...\n"
        )
        text = f'__all__ = ["Client", "Stream"]\n\n{stream}\n{client}    def copy(self) -> Client: ...\n'
        (folder / "__init__.py").write_text(text, encoding="utf-8")
    assert report_lines(tmp_path / "old", tmp_path / "new") == [
        "! Client.__init__(state): argument added, required"
    ]
