"""Classes with a hand-written base."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from scripts.normalise.readers import add_readers, read_readers
from scripts.normalise.schema import Json
from tests.normalise.small_documents import document, obj, reference, schemas_in

_PARTS: Json = {"type": "array", "items": reference("Part")}


def _meta(name: str, **members: Json) -> Any:  # Any: facts about the class
    return schemas_in(add_readers(document({name: obj(**members)})))[name].get("x-oc", {})


@pytest.mark.parametrize("name", ["MessageWithParts", "SessionCommandResponse"])
def test_a_class_of_the_table_gets_its_base(name: str) -> None:
    assert _meta(name, parts=_PARTS)["base"] == "PartReaders"


@pytest.mark.parametrize(
    ("info", "base"),
    [("Answer", "MessageWithParts"), ("Message", "MessageWithParts"), ("Other", "PartReaders")],
)
def test_the_same_message_with_a_narrower_member_derives_from_it(info: str, base: str) -> None:
    message: Json = {**obj(), "x-oc": {"table": [{"value": "answer", "class": "Answer"}]}}
    found = add_readers(
        document(
            {
                "SessionCommandResponse": obj("info", info=reference(info), parts=_PARTS),
                "MessageWithParts": obj("info", info=reference("Message"), parts=_PARTS),
                "Message": message,
            }
        )
    )
    assert schemas_in(found)["SessionCommandResponse"]["x-oc"]["base"] == base


@pytest.mark.parametrize(("extra", "base"), [("modelID", "SessionPromptModel"), ("id", None)])
def test_the_same_model_with_more_members_derives_from_it(extra: str, base: str | None) -> None:
    text: Json = {"type": "string"}
    given = {
        "UserMessageModel": obj(extra, variant=text, **{extra: text}),
        "SessionPromptModel": obj("modelID", modelID=text),
    }
    assert schemas_in(add_readers(document(given)))["UserMessageModel"].get("x-oc", {}).get("base") == base


def test_a_message_that_lacks_a_required_member_does_not_derive_from_it() -> None:
    given = {
        "SessionCommandResponse": obj(parts=_PARTS),
        "MessageWithParts": obj("parts", parts=_PARTS),
    }
    assert schemas_in(add_readers(document(given)))["SessionCommandResponse"]["x-oc"]["base"] == "PartReaders"


@pytest.mark.parametrize("parts", [{"type": "array", "items": {}}, {"type": "string"}, reference("Part")])
def test_a_class_without_a_list_of_parts_gets_no_base(parts: Json) -> None:
    assert "base" not in _meta("MessageWithParts", parts=parts)


def test_a_file_with_its_type_and_url_gets_its_base() -> None:
    text: Json = {"type": "string"}
    assert _meta("FilePartInput", mime=text, filename=text, url=text)["base"] == "FromPath"
    assert "base" not in _meta("FilePartInput", mime=text, filename=text)


@pytest.mark.parametrize(("target", "base"), [("SessionPromptModel", "ModelAsText"), ("ModelRef", None)])
def test_a_subtask_with_a_model_gets_its_base(target: str, base: str | None) -> None:
    assert _meta("SubtaskPartInput", model=reference(target)).get("base") == base


def test_another_class_gets_no_base() -> None:
    assert "base" not in _meta("Message", parts=_PARTS)


@pytest.mark.parametrize(
    "entry", ['name = "A"\nbase = "B"', 'name = "A"\nbase = "B"\nreason = ""', 'base = "B"']
)
def test_an_entry_without_a_reason_is_refused(tmp_path: Path, entry: str) -> None:
    path = tmp_path / "readers.toml"
    path.write_text(f"[[class]]\n{entry}\n", encoding="utf-8")
    with pytest.raises(ValueError, match=r"readers\.toml: an entry has name, base and reason"):
        read_readers(path)
