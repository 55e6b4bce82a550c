"""What `docs/identity.md` lists is what is in the code."""

import re
from pathlib import Path

from domain.match import MatchBasis

PAGE = (Path(__file__).parents[2] / "docs" / "identity.md").read_text(encoding="utf-8")


def test_every_basis_is_listed_with_its_words_and_its_caution() -> None:
    table = PAGE.split("<!-- bases -->")[1].split("<!-- end bases -->")[0]
    rows = re.findall(r"^\| `([\w-]+)` \| (.+?) \| (.*?) ?\|$", table, re.MULTILINE)
    assert rows == [(each.value, each.words, "verify identity" if each.is_doubtful else "") for each in MatchBasis]
