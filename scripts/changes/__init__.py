"""The change report: differences of the server's document and of the Python package between two states.

`document.py` compares documents, `python.py` compares packages; both return `Change`s and do no output. `states.py`
reads the two states, `report.py` formats the report, `command.py` is `make api-diff`.
"""
