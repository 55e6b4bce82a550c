"""An authority's own words for legal statuses and for reasons why care ceased, by the national codes that they mean.

`nightlight authority status-word` writes them, `safeguarding.extracts.loading` puts them into the terms by which a Standard
Safeguarding Dataset is read. Words are kept without case, dashes and punctuation. Source: docs/facts.md, section 4.
"""

from domain.actor import Actor
from domain.errors import InvalidInput, NotFound
from flags_store.extract_formats.ssd_values import LONGEST_TEXT
from flags_store.extract_formats.ssd_words import LEGAL_STATUSES, REASONS, fold
from runtime.audit import record_audit
from runtime.database import Connection, Transaction


async def read_statuses(transaction: Transaction, authority_code: str) -> dict[str, str]:
    """The authority's words, folded, and the code of each: what `Terms.statuses` takes."""
    cursor = await transaction.execute(
        "SELECT words, code FROM authority_statuses WHERE authority_code = %s ORDER BY words", (authority_code,)
    )
    return dict(await cursor.fetchall())


async def set_status(transaction: Connection, actor: Actor, authority_code: str, words: str, code: str) -> str:
    """Say what an authority means by its words, from the next dataset on; how they are kept is the answer.

    Raises NotFound (authority), and InvalidInput for a code that is neither a legal status nor a reason, and for no words.
    """
    folded = _checked(words)
    meant = code.strip().upper()
    if meant not in LEGAL_STATUSES | REASONS:
        raise InvalidInput(f'"{code}" is neither a legal status such as C2 or V4 nor a reason such as X1 or E11')
    found = await transaction.execute("SELECT FROM authorities WHERE code = %s", (authority_code,))
    if found.rowcount == 0:
        raise NotFound(f"there is no authority {authority_code}")
    await transaction.execute(
        """
        INSERT INTO authority_statuses (authority_code, words, code) VALUES (%s, %s, %s)
        ON CONFLICT (authority_code, words) DO UPDATE SET code = excluded.code
        """,
        (authority_code, folded, meant),
    )
    await record_audit(transaction, actor, "authority.set-status-word", "authority", authority_code, words=folded, code=meant)
    return folded


async def remove_status(transaction: Connection, actor: Actor, authority_code: str, words: str) -> None:
    """Forget what words mean; they are unknown from then on. Raises NotFound where they were never told."""
    folded = _checked(words)
    removed = await transaction.execute(
        "DELETE FROM authority_statuses WHERE authority_code = %s AND words = %s", (authority_code, folded)
    )
    if removed.rowcount == 0:
        raise NotFound(f"authority {authority_code} has not said what “{folded}” means")
    await record_audit(transaction, actor, "authority.remove-status-word", "authority", authority_code, words=folded)


def _checked(words: str) -> str:
    folded = fold(words)
    if not folded or len(folded) > LONGEST_TEXT:
        raise InvalidInput("say the words as the extract has them")
    return folded
