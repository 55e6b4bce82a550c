"""The guide to rejected records has the table of the code."""

import re
from pathlib import Path

from safeguarding.extracts.mend_words import ADVICE

PAGE = Path(__file__).resolve().parents[2] / "docs" / "authority" / "rejected-records.md"


def test_the_page_lists_every_reason_with_what_would_mend_it() -> None:
    table = PAGE.read_text(encoding="utf-8").partition("<!-- advice -->")[2].partition("<!-- end advice -->")[0]
    assert re.findall(r"^\| `([\w-]+)` \| (.*) \|$", table, re.MULTILINE) == [(code.value, words) for code, words in ADVICE.items()]
