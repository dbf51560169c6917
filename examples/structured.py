"""Get an answer of an agent as an object: `python structured.py [question]`. Needs pydantic."""

import sys

from pydantic import BaseModel

from opencode_client import OpencodeClient, OpencodeError


class Review(BaseModel):
    """The answer. Its fields and their descriptions are sent to the model as a JSON schema."""

    is_ready: bool
    problems: list[str]


prompt = " ".join(sys.argv[1:]) or "Review this project. Is it ready for a release?"
with OpencodeClient(directory=".") as client:
    try:
        review = client.run(prompt, output=Review, timeout=900).structured
    except OpencodeError as error:  # TurnOutputError: the answer is no Review
        sys.exit(str(error))
if review is not None:
    print("ready" if review.is_ready else "not ready")
    for problem in review.problems:
        print("-", problem)
