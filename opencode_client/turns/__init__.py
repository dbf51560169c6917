"""Running an agent turn: a prompt, and all that the agent does about it, until it rests.

```
async_client_turns.py: run, turn, follow, asks, abort, run_many
   async_many.py, specs.py           `AsyncManyTurns` (many.py is its generated twin); its turns and outcomes
      progress.py                    a line on the terminal
   async_turn.py                     `AsyncTurn`, what users see (turn.py is its generated twin)
   async_asks.py                     `AsyncAsks`, the asks that wait in all turns (asks.py is its generated twin)
   options.py, policies.py           the arguments and their checks; who decides an ask
   async_hub.py                      one event connection, its turns and feeds: feed inputs, perform actions, keep time
                                     (hub.py is its generated twin)
      routes.py                      whom an event is for; the unread updates
      async_calls.py                 the requests of a turn (calls.py is its generated twin)
   state.py                          `TurnState`: when a turn is over, and how it went. No I/O, no clock
      transcript.py, ask_book.py     the messages that belong to it; the asks
      growing_text.py                a text that comes in many pieces
      look_timer.py                  when to read the session again
      inputs.py                      what is fed to it, and the actions that it returns
      v1.py                          the adapter: all that is particular to servers 1.x
   asks_state.py                     `AsksState`: which asks wait, and which are listed when. No I/O, no clock
   updates.py, result.py             what users get
```

The prompt is sent by the request that is answered when the turn is over, so its answer is one of the signs of the end.
The others are events, the session's status and its messages. An answer can be lost (a proxy ends an idle connection),
can be that of another prompt, and can come before the last events. Events can be lost. An idle session may not have
begun.
So each sign only leads to reading the messages, and the prompt is found among them by a random key in the metadata of
its first text part.
"""
