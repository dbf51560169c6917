"""A hypothesis profile for `make mutation`: the same examples for every mutant, and the first that fails is enough."""

from __future__ import annotations

from hypothesis import Phase, settings

settings.register_profile(
    "unshrunk",
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
)
