"""What changed between two states of the project: of the server's document, and of what Python users see.

`document.py` compares documents, `python.py` packages; both are pure and give a list of `Change`. `states.py` gets the
two states, `report.py` writes them down, `command.py` is `make api-diff`.
"""
