"""Terminals: the output, input and exit code of a process, over WebSockets."""
