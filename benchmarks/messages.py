"""A message list of 10 MB from bytes to models, relative to `json.loads` of the same bytes.

The list is made of recorded messages and parts of 1.18.33, in the proportions of real sessions: a prompt, then
assistant messages with reasoning, text and tools. It is the same in every run.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from random import Random
from typing import Any

from benchmarks.measure import BASE, Contender, Row, Steps, interleave
from benchmarks.peers import readable, stock_messages
from benchmarks.pydantic_models import Models
from opencode_client.decoding.json_text import loads
from opencode_client.model import is_array
from opencode_client.models.message_with_parts import read_message_with_parts
from scripts.recordings import recording

TARGET = 1.3
VERSION = "1.18.33"
_TURN = 10
"""Messages to a turn: one of the user, the others of the assistant."""

_STEPS: tuple[tuple[str, ...], ...] = (
    ("step-start", "reasoning", "text", "tool", "step-finish"),
    ("step-start", "reasoning", "tool", "tool", "text", "step-finish"),
)
"""The parts of assistant messages, alternating."""

_LENGTHS = {"prompt": (40, 800), "text": (60, 900), "reasoning": (80, 900), "tool": (60, 2900)}
"""The least and the greatest length, in characters."""

_WORDS = (
    *("the", "file", "session", "returns", "a", "list", "of", "parts", "and", "we", "should", "check", "it"),
    *("self.path", "def read(data):", "\treturn value", "x = 1", '"name": "opencode"', "\n", "\n", "\n    "),
    *("src/index.ts:120", "naïve", "—", "if (error) {", "}", "import json", "C:\\temp", "'quoted'"),
)


def message_list(count: int) -> bytes:
    """Return the JSON of `count` messages with about five parts each, as a server sends it."""
    random = Random(VERSION)  # noqa: S311 # the text must be the same in every run
    made = list(_messages(count, random, *_recorded()))
    return json.dumps(made, ensure_ascii=False, separators=(",", ":")).encode()


def _recorded() -> tuple[dict[str, Any], dict[str, list[Any]]]:
    """Return a recorded message of each role, and the recorded parts of each type; of tools, the completed ones."""
    infos: dict[str, Any] = {}
    parts: dict[str, list[Any]] = {}
    for exchange in recording(VERSION)["operations"]["session.messages"]:
        body = exchange["response"].get("json")
        for message in body if is_array(body) else []:
            info = message["info"]
            if info["role"] == "user" or "finish" in info:
                infos.setdefault(info["role"], info)
            for part in message["parts"]:
                if part.get("state", {"status": "completed"})["status"] == "completed":
                    parts.setdefault(part["type"], []).append(part)
    return infos, parts


def _messages(
    count: int, random: Random, infos: dict[str, Any], parts: dict[str, list[Any]]
) -> Iterator[Any]:
    prompt_id = ""
    for number in range(count):
        info = copy.deepcopy(infos["assistant" if number % _TURN else "user"])
        info["id"] = f"msg_{number:026x}"
        if number % _TURN:
            info["parentID"] = prompt_id
            info["tokens"] |= {"input": random.randrange(90_000), "output": random.randrange(2_000)}
            kinds = _STEPS[number % len(_STEPS)]
        else:
            prompt_id = info["id"]
            kinds = ("text",)
        yield {
            "info": info,
            "parts": [
                _part(random.choice(parts[kind]), f"prt_{number:023x}{place:03x}", info["id"], random)
                for place, kind in enumerate(kinds)
            ],
        }


def _part(recorded: Any, part_id: str, message_id: str, random: Random) -> Any:
    part = copy.deepcopy(recorded) | {"id": part_id, "messageID": message_id}
    if "state" in part:
        part["state"]["output"] = _text(random, "tool")
    elif "text" in part:
        part["text"] = _text(random, part["type"])
    return part


def _text(random: Random, kind: str) -> str:
    length = random.randint(*_LENGTHS[kind])
    words = random.choices(_WORDS, k=length // 4)
    return " ".join(words)[:length]


def rows(*, rounds: int, count: int) -> list[Row]:
    """Return two rows: with the garbage collector running, and with it paused."""
    text = message_list(count)
    parsed = json.loads(text)
    stock, pydantic = stock_messages(VERSION), Models(VERSION).list_reader("MessageWithParts")
    notes = [
        readable(stock, [[message] for message in parsed]).note("stock's union", len(parsed), "messages"),
        f"{len(text) / 1e6:.1f} MB, {sum(len(message['parts']) for message in parsed)} parts",
        "pydantic: its own JSON parser (validate_json)",
    ]
    del parsed
    contenders = [
        Contender(BASE, _once(lambda: json.loads(text))),
        Contender("ours", _once(lambda: [read_message_with_parts(message) for message in loads(text)])),
        Contender("orjson alone", _once(lambda: loads(text))),
        Contender("stock's union", _once(lambda: stock(json.loads(text)))),
        Contender("pydantic", _once(lambda: pydantic(text))),
    ]
    made: list[Row] = []
    for gc_paused in (False, True):
        ratios = interleave(contenders, rounds=rounds, gc_paused=gc_paused)
        alone = f"orjson.loads alone: {ratios.pop('orjson alone')}"
        title = f"{count} messages from bytes, gc {'paused' if gc_paused else 'on'}"
        made.append(Row(title, TARGET, ratios, [alone, *filter(None, notes)]))
    return made


def _once(run: Callable[[], object]) -> Steps:
    return lambda: [run]
