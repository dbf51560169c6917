"""Ask an agent something in a new session of a server that runs (OPENCODE_BASE_URL, or port 4096 here)."""

from opencode_client import OpencodeClient
from opencode_client.models import TextPart, TextPartInput

with OpencodeClient(directory=".") as client:
    session = client.session.create(title="Quick start")
    print(session.id, "in", session.directory)
    reply = client.session.prompt(session.id, parts=[TextPartInput(text="Say hello.")])
    print("".join(part.text for part in reply.parts if isinstance(part, TextPart)))
    for message in client.session.messages(session.id):
        print(message.info.role, [part.type for part in message.parts])
