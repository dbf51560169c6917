"""A hypothesis profile for `make mutation`: the same examples for every mutant, and no time spent on smaller ones.

With hypothesis's own profile `ci`, which searches for smaller examples, mutants of the splitter run out of time.
"""

from __future__ import annotations

from hypothesis import Phase, settings

settings.register_profile(
    "unshrunk",
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.explicit, Phase.generate),
)
