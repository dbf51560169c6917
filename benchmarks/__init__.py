"""Speed and size as ratios, measured in one run: `make bench`; `docs/benchmarks.md` says what each row means."""
