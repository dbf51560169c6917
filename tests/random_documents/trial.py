"""Generate a package from a document, use it, and compare with the oracle's reading."""

from __future__ import annotations

import inspect
import json
import random
import re
import shutil
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote

import httpx
from attrs import define, field

from scripts.generate import GenerateError
from tests.random_documents.oracle import METHODS, Json, NoValueError, Reading, Value, is_array, python_name
from tests.support.whole_packages import client, load

_OPTIONS = frozenset({"body", "directory", "headers", "timeout", "workspace"})
"""Arguments that every method may have."""
_PLACE = re.compile(r"^  (/\S*): ", re.MULTILINE)


@define
class Trial:
    """The results of a run: operations and refusals by case, and the differences that were found.

    `any_refused`: operations of every case may be refused.
    """

    any_refused: bool = False

    tried: Counter[str] = field(factory=Counter[str])
    documents: Counter[str] = field(factory=Counter[str])
    refused: Counter[str] = field(factory=Counter[str])
    count: int = 0
    calls: int = 0
    differences: list[str] = field(factory=list[str])

    def run(self, document: Json, seed: int) -> None:
        """Try one document."""
        self.count += 1
        reading = Reading(document)
        cases = [operation["x-case"] for _, _, operation in reading.operations()]
        self.documents.update(set(cases))
        folder = Path(tempfile.mkdtemp(prefix="random-"))
        try:
            package = self._load(folder, document)
            if package is not None:
                rng = random.Random(seed)  # noqa: S311 # no secret
                _Use(self, package, reading, rng).every()
        finally:
            shutil.rmtree(folder)
            for name in [name for name in sys.modules if name.startswith("generated_")]:
                del sys.modules[name]

    def _load(self, folder: Path, document: Json) -> Any:  # Any: a package that only exists now
        """Return the package of the document without its refused parts."""
        for _ in range(10):
            try:
                return load(folder, document)
            except GenerateError as error:
                places = list({_holder(place): place for place in _PLACE.findall(str(error))}.values())
                removed = [self._remove(document, place, str(error)) for place in places]
                if not removed or not all(removed):
                    self.differences.append(f"a refusal without the place of an operation: {error}")
                    return None
                shutil.rmtree(folder)
                folder.mkdir()
        self.differences.append("there are more and more refusals")
        return None

    def _remove(self, document: Json, place: str, text: str) -> bool:
        """Remove the operation that a place is in, or the operations of a component; False if there is none."""
        tokens = [token.replace("~1", "/").replace("~0", "~") for token in place.split("/")[1:]]
        found: Value = document
        for token in tokens:
            found = found[int(token)] if is_array(found) else found.get(token)
            if found is None:
                return False
        number = re.match(r"C\d+", tokens[2]) if tokens[0] == "components" else None
        paths: Json = document["paths"]
        for path in [tokens[1]] if tokens[0] == "paths" else list(paths):
            item = paths[path]
            if tokens[0] == "components" and (number is None or f'{number[0]}"' not in json.dumps(item)):
                continue
            cases: list[str] = [item[key]["x-case"] for key in METHODS if key in item]
            for case in cases:
                self.refused[case] += 1
                if not (case.startswith("refused") or self.any_refused):
                    self.differences.append(f"{case} is refused: {text}")
            del paths[path]
            return True
        return False


def _holder(place: str) -> tuple[str, ...]:
    """Return the path or the component that a place is in."""
    tokens = place.split("/")
    return tuple(tokens[1:3] if tokens[1] == "paths" else tokens[1:4])


class _Use:
    """Calls every operation of a package."""

    def __init__(self, trial: Trial, package: Any, reading: Reading, rng: random.Random) -> None:
        self.trial, self.package, self.reading, self.rng = trial, package, reading, rng
        self.ids = self._ids()
        self.requests: list[httpx.Request] = []
        self.answer = httpx.Response(204)
        self.clients = [
            client(package, self._respond, strict=strict, max_retries=0) for strict in (False, True)
        ]

    def _respond(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self.answer

    def every(self) -> None:
        """Call them all, and note differences."""
        with self.clients[0], self.clients[1]:
            self._every()

    def _every(self) -> None:
        for path, method, operation in self.reading.operations():
            case = operation["x-case"]
            self.trial.tried[case] += 1
            if case.startswith("refused"):
                self._differ(operation, "is not refused")
                continue
            try:
                self._try(path, method, operation)
            except Exception as error:  # noqa: BLE001 # any error of a generated client is a difference
                self._differ(operation, f"{type(error).__name__}: {error}"[:500])

    def _differ(self, operation: Json, text: str) -> None:
        shown = json.dumps(operation)[:700]
        self.trial.differences.append(f"{operation['x-case']}: {text}\n    {shown}")

    def _ids(self) -> dict[tuple[str, str], str]:
        """Return the id that the client has for each method and path."""
        from importlib import import_module
        from pkgutil import iter_modules

        api = import_module(f"{self.package.__name__}.api")
        modules = [import_module(f"{api.__name__}.{one.name}") for one in iter_modules(api.__path__)]
        found = [
            one for module in modules for one in vars(module).values() if type(one).__name__ == "Operation"
        ]
        return {(one.method.lower(), one.path): one.id for one in found}

    def _method(self, opened: Any, path: str, method: str) -> Any:
        name = self.ids[method, path]
        *above, last = map(python_name, name.split("."))
        given = name.split(".")
        for depth in range(1, len(above) + 1):
            if ".".join(given[:depth]) in self.ids.values():
                last = "_".join([*above[depth - 1 :], last])
                above = above[: depth - 1]
                break
        found = opened
        for part in [*above, last] if above else ["root", last]:
            found = getattr(found, part)
        return found

    def _try(self, path: str, method: str, operation: Json) -> None:
        variables = re.findall(r"{([^{}]+)}", path)
        for _ in range(3):
            arguments = [self.rng.choice(["x", "a/b c", "é?#%41"]) for _ in variables]
            try:
                query, pairs = self._query(operation, variables)
                body, sent = self._body(operation)
            except NoValueError:
                continue
            for status, response in operation["responses"].items():
                wanted = _Wanted(method, path, dict(zip(variables, arguments, strict=True)), pairs, sent)
                named = {python_name(v): one for v, one in zip(variables, arguments, strict=True)}
                given = {**named, **query, **body}
                self._call(wanted, operation, given, status, self.reading.target(response))

    def _call(self, wanted: _Wanted, operation: Json, given: Json, status: str, response: Json) -> None:
        self.trial.calls += 1
        content: Json = response.get("content", {})
        kind = next((one for one in content if "json" in one), next(iter(content), ""))
        kind = "text/html" if kind == "application/pdf" and len(content) > 1 else kind  # text before bytes
        number = int(status.replace("XX", "07").replace("default", "200"))
        schema = content.get(kind, {}).get("schema", {})
        value = self.reading.value(schema, self.rng) if "json" in kind else None
        headers = {"content-type": kind} if kind else {}
        text = json.dumps(value) if "json" in kind else "é" if kind else ""
        self.answer = httpx.Response(number, text=text, headers=headers)
        method = self._method(self.rng.choice(self.clients), wanted.path, wanted.method)
        if opens := _opened(operation, kind):
            signature = inspect.signature(method)
            if not str(signature.return_annotation).startswith(opens) or "cursor" in signature.parameters:
                self._differ(operation, f"opens {signature}, not {opens}")
            return
        try:
            result = method(**given)
        except self.package.StatusError as error:
            if number < 400 or error.status != number or error.data != value:
                raise
            if error.error is None and "$ref" in schema:
                self._differ(operation, f"reads no error in {value!r}")
        else:
            self._check_result(operation, (kind, schema, value), result)
        for text in wanted.differences(self.requests[-1]):
            self._differ(operation, text)
        if "json" in kind and number < 300 and "discriminator" not in json.dumps(schema):
            spoiled = self.reading.corrupted(schema, value)
            if spoiled is not None:
                self.answer = httpx.Response(number, json=spoiled)
                self._check_strict(
                    self._method(self.clients[1], wanted.path, wanted.method), given, operation
                )

    def _check_result(self, operation: Json, read: tuple[str, Value, Value], result: Value) -> None:
        kind, schema, value = read
        if "json" in kind:
            if value is None and result is None:
                return
            if not self.reading.same(schema, value, result):
                self._differ(operation, f"reads {value!r} as {result!r}"[:400])
        elif result != {"": None, "text": "é"}.get(kind.partition("/")[0], "é".encode()):
            self._differ(operation, f"reads {kind} as {result!r}")

    def _check_strict(self, strict: Any, given: Json, operation: Json) -> None:
        try:
            strict(**given)
        except self.package.ResponseDecodeError:
            return
        self._differ(operation, f"strict reading takes {self.answer.text}")

    def _query(self, operation: Json, variables: list[str]) -> tuple[Json, list[tuple[str, str]]]:
        arguments: Json = {}
        pairs: list[tuple[str, str]] = []
        for one in operation.get("parameters", ()):
            if one["in"] != "query" or operation.get("x-websocket"):
                continue
            if one.get("style") == "deepObject":
                value = self.reading.value(one["schema"], self.rng)
                for name, member in value.items():
                    arguments[python_name(f"{one['name']}_{name}")] = member
                    pairs.append((f"{one['name']}[{name}]", _text(member)))
            elif one.get("required") or self.rng.random() < 0.7:
                value = self.reading.value(one["schema"], self.rng)
                name = python_name(one["name"])
                arguments[f"query_{name}" if one["name"] in variables else name] = value
                pairs += [(one["name"], _text(item)) for item in (value if is_array(value) else [value])]
        return arguments, pairs

    def _body(self, operation: Json) -> tuple[Json, tuple[str, Value] | None]:
        """Return the arguments for a body, and its media type with its value."""
        if "requestBody" not in operation:
            return {}, None
        body = self.reading.target(operation["requestBody"])
        [(kind, media)] = body["content"].items()
        if "json" not in kind:
            return {"body": "é"}, (kind, "é")
        schema = media["schema"]
        [form, *others] = self.reading.forms(schema)
        whole = body.get("required") is False and form.get("required")
        if form.get("properties") and not others and not whole and not form.get("additionalProperties"):
            hidden = {name for name, part in form["properties"].items() if part.get("readOnly")}
            value = {n: v for n, v in self.reading.value(schema, self.rng).items() if n not in hidden}
            if not self.reading.fits(
                {**form, "required": [n for n in form.get("required", ()) if n not in hidden]}, value
            ):
                raise NoValueError
            taken = {
                python_name(one["name"]) for one in operation["parameters"] if one["in"] in ("path", "query")
            }
            names = {name: python_name(name) for name in value}
            named = {f"body_{n}" if n in taken or n in _OPTIONS else n: value[w] for w, n in names.items()}
            return named, (kind, value)
        if body.get("required") is False and self.rng.random() < 0.5:
            return {}, None
        value = self.reading.value(schema, self.rng)
        return {"body": value}, (kind, value)


def _opened(operation: Json, kind: str) -> str:
    if operation.get("x-websocket"):
        return "PtyConnection"
    return "EventStream[" if kind == "text/event-stream" else ""


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


@define
class _Wanted:
    """The request that the document describes."""

    method: str
    path: str
    variables: dict[str, str]
    pairs: list[tuple[str, str]]
    body: tuple[str, Value] | None

    def differences(self, request: httpx.Request) -> list[str]:
        """Return the differences in a request."""
        found: list[str] = []
        if request.method.lower() != self.method:
            found.append(f"sends {request.method}")
        got = [unquote(part) for part in request.url.raw_path.decode().partition("?")[0].split("/")]
        if got != [
            self.variables.get(part[1:-1], part) if part.startswith("{") else unquote(part)
            for part in self.path.split("/")
        ]:
            found.append(f"sends to {got}")
        query = parse_qsl(request.url.query.decode(), keep_blank_values=True)
        if sorted(query) != sorted(self.pairs):
            found.append(f"sends the query {query}, not {self.pairs}")
        kind = request.headers.get("content-type", "") if request.content else ""
        if self.body is None:
            return [*found, f"sends {request.content!r}"] if request.content not in (b"", b"{}") else found
        media, value = self.body
        sent = json.loads(request.content) if "json" in media else request.content.decode()
        if kind != media:
            found.append(f"sends the type {kind!r}, not {media}")
        return [*found, f"sends {sent!r}, not {value!r}"] if sent != value else found
