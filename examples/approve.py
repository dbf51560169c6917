"""Watch the turn that runs in a session, and decide what it may do: `python approve.py SESSION`.

Leave with Ctrl-C. The turn continues, and waits if it needs another decision.
"""

import sys

from opencode_client import (
    AskClosed,
    OpencodeClient,
    OpencodeError,
    PermissionAsk,
    QuestionAsk,
    Reject,
    TextDelta,
)


def main(session_id: str) -> None:
    with OpencodeClient() as client, client.follow(session_id) as turn:
        for update in turn:
            match update:
                case TextDelta(text=text):
                    print(text, end="", flush=True)
                case PermissionAsk(permission=permission, patterns=patterns):
                    answer = input(f"\n{permission}: {', '.join(patterns)}\n[y]es, or why not: ")
                    turn.reply(update, "once" if answer == "y" else Reject(answer))
                case QuestionAsk(questions=questions):
                    turn.answer(update, [input(f"\n{question.question} ") for question in questions])
                case AskClosed(id=ask_id):
                    print(f"\n[{ask_id} is answered]")
                case _:
                    pass
        print(f"\n{turn.result().cost:.4f} USD")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    try:
        main(sys.argv[1])
    except OpencodeError as error:
        sys.exit(str(error))
