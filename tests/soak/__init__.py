"""The soak test: hours of mixed work against a real server that is killed each minute, behind a proxy with faults."""
