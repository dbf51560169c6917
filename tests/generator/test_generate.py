"""`make generate` and its check: generated files are replaced as a whole, or not at all."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from opencode_client._spec import OPERATIONS
from scripts import generate
from scripts.documents import SpecError, parse_document
from scripts.generate import GenerateError, build, differences, write_package, write_rooms
from scripts.normalise import DOCUMENT_RULES
from scripts.normalise.names import HANDWRITTEN
from scripts.normalise.schema import Json
from scripts.rooms import PACKAGE, REFERENCE, ROOMS, ROOT, TWINS
from tests.normalise.small_documents import ok
from tests.support.generated_packages import document
from tests.support.project_files import project_files


@pytest.fixture
def spec(tmp_path: Path) -> Path:
    path = tmp_path / "document.json"
    path.write_text(
        json.dumps(document({"Only": {"type": "object", "properties": {"a": {}}}})), encoding="utf-8"
    )
    return path


def test_generating_a_package_does_not_change_the_tree(spec: Path, tmp_path: Path) -> None:
    before = project_files()
    assert generate.main(["--spec", str(spec), "--out", str(tmp_path / "out")]) == 0
    written = tmp_path / "out" / PACKAGE
    assert {"py.typed", "errors", "model.py", "models"} <= {file.name for file in written.iterdir()}
    assert [file.name for file in sorted((written / "models").iterdir())] == ["__init__.py", "only.py"]
    assert project_files() == before


def test_a_folder_with_other_files_is_not_replaced(spec: Path, tmp_path: Path) -> None:
    precious = tmp_path / "out" / PACKAGE / "mine.txt"
    precious.parent.mkdir(parents=True)
    precious.write_text("mine", encoding="utf-8")
    assert generate.main(["--spec", str(spec), "--out", str(tmp_path / "out")]) == 1
    assert precious.read_text(encoding="utf-8") == "mine"


def test_the_tree_itself_is_never_replaced(spec: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert generate.main(["--spec", str(spec), "--out", str(ROOT)]) == 1
    assert "was not written by this command" in capsys.readouterr().err
    assert (ROOT / PACKAGE / "model.py").exists()


def test_writing_twice_replaces_the_first(spec: Path, tmp_path: Path) -> None:
    with build(spec, strict=False) as built:
        package = write_package(built, tmp_path)
        (package / "models" / "left_over.py").touch()
        write_package(built, tmp_path)
    assert not (package / "models" / "left_over.py").exists()


@pytest.mark.parametrize("change", ["edit", "remove", "add"])
def test_the_check_names_every_file_that_differs(spec: Path, tmp_path: Path, change: str) -> None:
    with build(spec, strict=False) as built:
        write_rooms(built, tmp_path)
        assert differences(built, tmp_path) == []
        file = tmp_path / "models" / "only.py"
        if change == "edit":
            file.write_text(file.read_text(encoding="utf-8") + "\n", encoding="utf-8")
        elif change == "remove":
            file.unlink()
        else:
            (tmp_path / "models" / "stray.txt").touch()
        named = {"edit": "differs: models/only.py", "remove": "missing: models/only.py"}
        assert differences(built, tmp_path) == [named.get(change, "not generated: models/stray.txt")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not JSON"),
        ("{", "is not JSON"),
        ("[]", "is JSON but no object"),
        ("{}", "is not OpenAPI 3.x"),
        ('{"swagger": "2.0", "paths": {}}', "is not OpenAPI 3.x"),
        ('{"openapi": "3.1.0", "paths": 5}', "without paths"),
        ("<html>", "is not JSON: '<html>'"),
        ('{"a": 1,\n<<<<<<< HEAD\n', "is not JSON: line 2, column 1: Expecting property name"),
        ('{"a": NaN}', "is not JSON: NaN is no JSON number"),
        ("[" * 100_000, "nested too deeply"),
    ],
)
def test_the_error_for_an_invalid_document_is_one_line_and_nothing_is_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, message: str
) -> None:
    (tmp_path / "bad.json").write_text(text, encoding="utf-8")
    assert generate.main(["--spec", str(tmp_path / "bad.json"), "--out", str(tmp_path / "out")]) == 1
    error = capsys.readouterr().err
    assert error.startswith("make generate: bad.json ")
    assert message in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


_FORM = """
openapi: 3.1.0
paths:
  /a:
    post:
      requestBody: {content: {multipart/form-data: {schema: {type: object}}}}
      responses: {200: {description: since 2026-01-01}}
"""


def test_the_error_for_an_unsupported_part_names_its_pointer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "it's.yaml").write_text(_FORM, encoding="utf-8")
    assert generate.main(["--spec", str(tmp_path / "it's.yaml"), "--out", str(tmp_path / "out")]) == 1
    assert (
        "it's.yaml has what cannot be generated:\n  /paths/~1a/post/requestBody/" in capsys.readouterr().err
    )
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: [", "is not YAML"),
        ("a: .nan", "is not YAML"),
        ("a: &x [*x]", "is not YAML"),
        ("- a", "no object"),
    ],
)
def test_yaml_that_is_not_a_document_is_an_error(text: str, message: str) -> None:
    with pytest.raises(SpecError, match=message):
        parse_document(text.encode(), "doc.yaml")


def test_yaml_is_read_like_json() -> None:
    text = "openapi: 3.1.0\npaths: {}\nx: {200: no, when: 2026-01-01, on: [1, 0o7, true], 1.10: 1, 1: 2, true: 3, ~: 4}"
    expected = {
        "200": "no",
        "when": "2026-01-01",
        "on": [1, 7, True],
        "1.10": 1,  # keys are text
        "1": 2,
        "true": 3,
        "~": 4,
    }
    assert parse_document(text.encode(), "doc.YML")["x"] == expected


@pytest.mark.parametrize(
    ("name", "text"), [("doc.json", '{"a": {"b": 1, "b": 2}}'), ("doc.yaml", "{200: 1, '200': 2}")]
)
def test_a_repeated_key_is_an_error(name: str, text: str) -> None:
    with pytest.raises(SpecError, match=r"key ['\"](b|200)['\"]"):
        parse_document(text.encode(), name)


@pytest.mark.parametrize(
    ("paths", "place"),
    [
        ({"/a": None}, "/paths/~1a: "),
        ({"/a": {"get": {"operationId": 4}}}, "/paths/~1a/get/operationId: "),
        ({"/a": {"get": {"responses": ok({"allOf": {"a": 1}})}}}, "/application~1json/schema/allOf: "),
    ],
)
def test_the_error_for_invalid_openapi_names_its_pointer(tmp_path: Path, paths: Json, place: str) -> None:
    (tmp_path / "doc.json").write_text(json.dumps(document({}, paths)), encoding="utf-8")
    with pytest.raises(GenerateError, match=place), build(tmp_path / "doc.json", strict=False):
        pass


def test_make_accepts_a_file_name_with_an_apostrophe() -> None:
    done = subprocess.run(
        ["make", "--dry-run", "generate", "SPEC=it's.json"],  # the `make` of this machine
        cwd=ROOT,
        env={"PATH": os.environ["PATH"]},  # a `make` that runs this test passes its options on
        capture_output=True,
        text=True,
        check=True,
    )
    assert shlex.split(done.stdout.splitlines()[-1])[-1] == "it's.json"


def test_a_warning_of_the_generator_fails_the_build(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without one of the rules the generator loses a response, and warns."""
    others = [rule for rule in DOCUMENT_RULES if rule.__name__ != "readable_contents"]
    monkeypatch.setattr("scripts.normalise.DOCUMENT_RULES", tuple(others))
    answer: dict[str, Any] = {"description": "", "content": {"image/png": {"schema": {}}}}
    content = document({}, {"/a": {"get": {"operationId": "a", "responses": {"200": answer}}}})
    (tmp_path / "d.json").write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(GenerateError, match="image/png"), build(tmp_path / "d.json", strict=False):
        pass


def test_a_document_without_classes_is_a_package_without_classes(tmp_path: Path) -> None:
    (tmp_path / "d.json").write_text(json.dumps(document({})), encoding="utf-8")
    with build(tmp_path / "d.json", strict=False) as built:
        package = write_package(built, tmp_path / "out")
    assert [file.name for file in (package / "models").iterdir()] == ["__init__.py"]


def test_names_that_generated_modules_import_are_reserved() -> None:
    template = (ROOT / "custom_templates" / "model.py.jinja").read_text(encoding="utf-8")
    imported = {
        name for line in re.findall(r"^from \S+ import (.+)$", template, re.M) for name in line.split(", ")
    }
    classes = {name for name in imported if name[0].isupper() and not name.isupper()}
    assert classes - HANDWRITTEN == set()
    assert "Variants" in classes


def test_spec_without_out_is_refused(spec: Path) -> None:
    with pytest.raises(SystemExit):
        generate.main(["--spec", str(spec)])


def test_git_marks_the_generated_folders_as_generated() -> None:
    attributes = (ROOT / ".gitattributes").read_text(encoding="utf-8")
    patterns = [f"{PACKAGE}/{room}" + ("" if room.endswith(".py") else "/**") for room in ROOMS]
    patterns += [f"{PACKAGE}/{twin}" for twin in TWINS]
    patterns.append(f"{REFERENCE.relative_to(ROOT).as_posix()}/**")
    assert all(f"{pattern} linguist-generated=true" in attributes for pattern in patterns)


def test_every_generated_file_has_a_header_in_its_first_line() -> None:
    for room in ROOMS:
        for file in (ROOT / PACKAGE / room).rglob("*.py"):
            assert file.read_text(encoding="utf-8").startswith("# Generated by `make generate`; do not edit.")


def test_the_generated_folders_are_below_their_limits() -> None:
    files = [file for room in ROOMS for file in (ROOT / PACKAGE / room).rglob("*.py")]
    grown = max(1.0, len(OPERATIONS) / 188)  # the limits are of 1.18.33; newer documents have more
    assert len(files) <= 1_000 * grown
    assert sum(len(file.read_text(encoding="utf-8").splitlines()) for file in files) <= 44_500 * grown


def test_generated_lines_are_short_unless_they_cannot_be_broken() -> None:
    """An import of one name and a pointer cannot be broken into two lines."""
    long = [
        line
        for room in ROOMS
        for file in (ROOT / PACKAGE / room).rglob("*.py")
        for line in file.read_text(encoding="utf-8").splitlines()
        if len(line) > 120 and " " in line.strip() and not re.fullmatch(r" *from \S+ import \w+", line)
    ]
    assert long == []


def test_no_template_is_long() -> None:
    templates = (ROOT / "custom_templates").glob("*.jinja")
    assert [t.name for t in templates if len(t.read_text(encoding="utf-8").splitlines()) > 125] == []


@pytest.mark.skipif(sys.platform == "win32", reason="the Makefile is for POSIX")
def test_the_makefile_lists_its_targets() -> None:
    if not shutil.which("make"):
        pytest.skip("make is not here, and this asks it")
    listed = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert {"regenerate", "spec", "generate", "check-generated", "test"} <= set(listed.split())
