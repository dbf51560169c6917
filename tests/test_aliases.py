"""Models with several names: each is the same class."""

from __future__ import annotations

import copy
import pickle

import pytest

from opencode_client import models
from scripts.normalise.same import read_same

every_alias = pytest.mark.parametrize(("alias", "name"), read_same().items())


@every_alias
def test_every_alias_is_its_class(alias: str, name: str) -> None:
    assert getattr(models, alias, None) is getattr(models, name, None)


@every_alias
def test_every_name_of_a_class_is_in_dir(alias: str, name: str) -> None:
    assert {alias, name} <= set(dir(models)) or name not in dir(models)


def test_a_class_with_several_names_can_be_pickled_and_copied() -> None:
    message = models.SessionPromptResponse.from_dict({"info": {"role": "narrator", "id": "m"}, "parts": []})
    pickled = pickle.loads(pickle.dumps(message))  # noqa: S301 # of this test
    for again in (pickled, copy.deepcopy(message)):
        assert (type(again), again, again.info.id) == (models.MessageWithParts, message, "m")
