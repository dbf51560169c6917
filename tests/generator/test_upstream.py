"""The check of the generator's own templates against the hashes in upstream.toml."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

from scripts import upstream
from scripts.upstream import GENERATOR, differences, digest, hashes_file, read_hashes, report_lines, templates


def test_the_hashes_are_of_the_installed_generators_templates() -> None:
    version, kept = read_hashes()
    assert differences(kept, templates()) == {}
    assert version == metadata.version(GENERATOR)


def test_every_changed_template_is_listed_with_its_replacement() -> None:
    kept = {name: digest(name) for name in ("model.py.jinja", "helpers.jinja", "types.py.jinja")}
    now = {"model.py.jinja": "other", "types.py.jinja": "types.py.jinja", "deep/new.jinja": ""}
    assert report_lines(differences(kept, now)) == [
        "changed: model.py.jinja, replaced by custom_templates/model.py.jinja",
        "not replaced by ours: deep/new.jinja (new), helpers.jinja (gone)",
    ]


def test_templates_in_folders_are_included(tmp_path: Path) -> None:
    assert "property_templates/list_property.py.jinja" in templates()
    (tmp_path / "upstream.toml").write_text(hashes_file("9.9.9", templates()), encoding="utf-8")
    assert read_hashes(tmp_path / "upstream.toml") == (
        "9.9.9",
        {n: digest(t) for n, t in templates().items()},
    )


def test_the_command_fails_if_a_template_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert upstream.main([]) == 0
    monkeypatch.setattr(upstream, "HASHES", tmp_path / "upstream.toml")
    now = {**templates(), "client.py.jinja": "as it was"}
    (tmp_path / "upstream.toml").write_text(hashes_file("0.1.0", now), encoding="utf-8")
    assert upstream.main([]) == 1
    assert "changed: client.py.jinja" in capsys.readouterr().out
    assert upstream.main(["--write"]) == 0
    assert upstream.main([]) == 0
