"""Small documents become packages that send and read what the documents describe."""

from __future__ import annotations

from pathlib import Path

from tests.normalise.small_documents import document, ok
from tests.support.whole_packages import answering, client, load


def test_a_namespace_of_namespaces_below_one_with_methods_works(tmp_path: Path) -> None:
    ids = ("a.get", "a.b.c.list")
    paths = {f"/{name}": {"get": {"operationId": name, "responses": ok({"type": "string"})}} for name in ids}
    package = load(tmp_path, document({}, paths))
    with client(package, answering(200, "x")) as opened:
        assert (opened.a.get(), opened.a.b.c.list()) == ("x", "x")
