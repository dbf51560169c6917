"""Event streams: connect, reconnect, decode, filter and share."""
