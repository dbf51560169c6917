"""Send a prompt to an agent in a new session. The server must run at OPENCODE_BASE_URL or at port 4096."""

from opencode_client import OpencodeClient
from opencode_client.models import TextPartInput

with OpencodeClient(directory=".") as client:
    session = client.session.create(title="Quick start")
    print(session.id, "in", session.directory)
    reply = client.session.prompt(session.id, parts=[TextPartInput(text="Say hello.")])
    print(reply.text)
    for message in client.session.messages(session.id):
        print(message.info.role, [part.type for part in message.parts])
