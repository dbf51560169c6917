"""Run an agent turn: a prompt, and all that the agent does for it, until the session is idle.

The life of a turn, with the module of each step:

1. `async_client_turns.py` has `run`, `turn` and `follow`. `options.py` checks their arguments.
2. `async_turn.py`: entering `AsyncTurn` calls `prepare` of `async_calls.py`. It finds or creates the session and checks
   the names of model and agent. Its result is a `TurnPlan` (`inputs.py`), with a random key in the prompt's metadata.
3. `async_hub.py`: the turn joins the one event connection of its client and directory, which is opened before the
   prompt is sent. One job reads events, another one watches the clock.
4. `dispatch.py` finds the turns that an event is for. `v1.py` converts the event to an input.
5. `state.py`: `TurnState.feed` reads each input, with its time, and returns updates and actions. It has no I/O and no
   clock, so tests can try each order of inputs. It uses `transcript.py` (the messages that belong to the turn),
   `growing_text.py`, `known_asks.py` with `policies.py` (the asks), `subagents.py`, and `poll_timer.py` (when to read
   the session again).
6. The hub performs the actions (send, poll, abort, reply, decide) with `async_calls.py`, each one as a job of its own,
   and feeds its outcome as `Done`. Updates (`updates.py`) go to the `Inbox` of `dispatch.py`, where the user reads.
7. `outcome.py` makes the `TurnResult` (`result.py`) or the error, `structured.py` checks its structured output.

Besides turns: `async_asks.py` and `asks_state.py` are `client.asks()`, which joins the same hub. `async_many.py`,
`specs.py` and `progress.py` are `client.run_many()`. `asks.py`, `calls.py`, `hub.py`, `many.py` and `turn.py` are
generated from their asynchronous twins.

How the end of a turn is found: the prompt is sent by a POST, which the server answers when the turn is over. The answer
can be lost (a proxy ends an idle connection), can belong to another prompt, and can come before the last events. Events
can be lost. An idle session may not have begun the turn yet. So no single sign is enough:

- If the events have shown the prompt with its key, and all messages up to that of the answer, without a gap, and the
  session is idle, then the turn is over (`TurnState._has_seen_all`). Plain turns end like this, with two requests.
- Any other sign of an end, a gap, and silence lead to a `Poll`, which reads the session. `TurnState._judge` decides.
  A server without events (1.14.48) is polled in this way.
"""
