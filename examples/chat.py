"""Talk to an agent in this directory: `python chat.py [session id]`. An empty line ends the conversation.

You decide about each permission. Ctrl-C stops the agent, and the conversation continues.
"""

import sys

from opencode_client import (
    Decision,
    OpencodeClient,
    OpencodeError,
    PermissionAsk,
    QuestionAsk,
    ReasoningDelta,
    Reject,
    Retrying,
    SubagentChanged,
    TextDelta,
    TextReplaced,
    TodoChanged,
    ToolUpdate,
    Turn,
    TurnError,
)

CODES = ("90", "32", "33", "34", "0") if sys.stdout.isatty() else ()
GREY, GREEN, YELLOW, BLUE, PLAIN = [f"\x1b[{code}m" for code in CODES] or [""] * 5
DECISIONS: dict[str, Decision] = {"y": "once", "a": "always", "": "reject"}


def read(question: str) -> str:
    """Read a line; "" at the end of the input. A line that comes from a file is printed."""
    try:
        line = input(question).strip()
    except EOFError:
        line = ""
    if not sys.stdin.isatty():
        print(line)
    return line


def show(turn: Turn) -> None:
    """Print a turn while it runs, and let the user decide."""
    part_id = ""  # the part whose text is being printed
    for update in turn:
        if isinstance(update, TextDelta | ReasoningDelta):
            colour = GREY if isinstance(update, ReasoningDelta) else PLAIN
            begin = "" if update.part_id == part_id else "\n"
            print(f"{begin}{colour}{update.text}{PLAIN}", end="", flush=True)
            part_id = update.part_id
        elif line := describe(update):
            print(f"\n{line}" if part_id else line)
            part_id = ""
        match update:
            case PermissionAsk():
                answer = read("  [y]es, [a]lways, or why not: ")
                turn.reply(update, DECISIONS.get(answer) or Reject(answer))
            case QuestionAsk(questions=questions):
                turn.answer(update, [read(f"  {question.question} ") for question in questions])
            case _:
                pass
    print()


def describe(update: object) -> str:
    """Return a line about an update; "" for updates that are not shown."""
    match update:
        case TextReplaced(text=text):
            return text
        case ToolUpdate(status="completed", subagent_session_id=str(), title=title):
            return f"{GREEN}✓ subagent:{PLAIN} {title}"
        case ToolUpdate(status="completed", tool=tool, title=title, output=output):
            return f"{GREEN}✓ {tool}{PLAIN} {title} {GREY}{output.strip()[:60]!r}{PLAIN}"
        case ToolUpdate(status="error", tool=tool, error=error):
            return f"{YELLOW}✗ {tool}{PLAIN} {error}"
        case SubagentChanged(status="started", title=title):
            return f"{BLUE}→ subagent: {title}{PLAIN}"
        case TodoChanged(todos=todos):
            return "\n".join(f"{BLUE}- {todo.status}: {todo.content}{PLAIN}" for todo in todos)
        case Retrying(message=message):
            return f"{YELLOW}trying again: {message}{PLAIN}"
        case PermissionAsk(permission=permission, patterns=patterns):
            return f"{YELLOW}? {permission}: {', '.join(patterns)}{PLAIN}"
        case QuestionAsk(questions=questions):
            labels = [option.label for question in questions for option in question.options]
            return f"{YELLOW}? {', '.join(labels)}{PLAIN}"
        case _:
            return ""


def main() -> None:
    session_id = sys.argv[1] if len(sys.argv) > 1 else None
    with OpencodeClient(directory=".") as client:
        while prompt := read("\n> "):
            try:
                with client.turn(prompt, session_id=session_id) as turn:
                    session_id = turn.session_id
                    show(turn)
                result = turn.result()
                cost = result.cost + result.subagent_cost
                print(f"{GREY}{cost:.4f} USD, {result.duration_s:.1f} s, {session_id}{PLAIN}")
            except TurnError as error:
                print(f"\n{YELLOW}{error}{PLAIN}")
            except KeyboardInterrupt:
                print(f"\n{YELLOW}stopped{PLAIN}")


if __name__ == "__main__":
    try:
        main()
    except OpencodeError as error:
        sys.exit(str(error))
