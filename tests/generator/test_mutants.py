"""What a mutant changes, of a module as mutmut writes it."""

from __future__ import annotations

import pytest

from scripts.mutants import Mutant, read_mutants


def _one(original: str, mutated: str) -> tuple[str, str]:
    source = (
        f"def x_f__mutmut_orig(text, size):\n    {original}\n\n"
        f"def x_f__mutmut_1(text, size):\n    {mutated}\n"
    )
    [mutant] = read_mutants(source).values()
    assert mutant.function == "f"
    return mutant.before, mutant.after


@pytest.mark.parametrize(
    ("original", "mutated", "before", "after"),
    [
        ("return 'a' + text.join(size, 'long enough')", "return 'a' + text.join(size, 'LONG ENOUGH')",
         "text.join(size, 'long enough')", "text.join(size, 'LONG ENOUGH')"),
        ("if size < 1: return None", "if size <= 1: return None", "size < 1", "size <= 1"),
        ("return [each for each in text if each]", "return [each for each in text if not each]",
         "for each in text if each", "for each in text if not each"),
        ("text.find(size, 1)", "text.find(size)", "text.find(size, 1)", "text.find(size)"),
        ("size = None", "size = ''", "size = None", "size = ''"),
    ],
)  # fmt: skip
def test_a_mutant_is_the_smallest_code_that_can_be_found_again(
    original: str, mutated: str, before: str, after: str
) -> None:
    assert _one(original, mutated) == (before, after)


def test_a_mutant_of_a_method_says_its_class() -> None:
    source = (
        "class Reader:\n"
        "    def xǁReaderǁ_read__mutmut_orig(self):\n        return self.size\n"
        "    def xǁReaderǁ_read__mutmut_12(self):\n        return None\n"
    )
    found = {"xǁReaderǁ_read__mutmut_12": Mutant("Reader._read", "return self.size", "return None")}
    assert read_mutants(source) == found


def test_code_that_is_long_is_cut() -> None:
    before, after = _one(f"return text({', '.join(['size'] * 40)})", "return size")
    assert before.endswith("...")
    assert len(before) < 100
    assert after == "size"
