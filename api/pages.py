"""Pages: HTML made of the NHS design system's macros, with what every page carries (TEST mark, navigation, sign-out).

The handlers call `page`; templates stand in api/templates, styles and scripts in api/static.
Source: NHS digital service manual (page template, header, page titles).
"""

import hashlib
from datetime import datetime
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import ChainableUndefined, ChoiceLoader, Environment, FileSystemLoader, PackageLoader

from api import board_words, day_words, words
from api.alert_words import reason_words, state_tag, whereabouts
from api.navigation import HOMES, navigation
from domain.actor import Role
from domain.alert import CodedAnswer
from domain.errors import CouldNotReachStore
from domain.flag import DISPLAY, FlagKind, NewbornResolution
from runtime.clock import now
from runtime.sessions import Session
from safeguarding import time_words
from safeguarding.directory import DirectoryReader

_ROLE_WORDS = {role: role.value.replace("-", " ") for role in Role}


class Pages:
    """Renders pages of one application."""

    def __init__(self, directory: DirectoryReader) -> None:
        self._directory = directory
        self._environment = _environment()
        self._is_test: bool | None = None
        self.static_version = _fingerprint(static_folder())

    async def page(
        self, request: Request, template: str, session: Session | None = None, status: int = 200, **context: Any
    ) -> HTMLResponse:
        """A page for the person of the session, or for anybody."""
        common = {
            "session": session,
            "home": HOMES[session.role] if session else None,
            "navigation": navigation(session.role, request.url.path) if session else [],
            "role_words": _ROLE_WORDS[session.role] if session else "",
            "test_store": await self._is_test_store(),
            "static": f"/static/{self.static_version}",
            "assetPath": f"/static/{self.static_version}/nhsuk",
            "cspNonce": request.scope["nightlight.nonce"],
            "at": now(),
        }
        html = self._environment.get_template(template).render(common | context)
        return HTMLResponse(html, status)

    async def _is_test_store(self) -> bool:
        """Whether the store holds invented people; what was known stays known while the store is away."""
        try:
            self._is_test = not (await self._directory.current()).is_production
        except CouldNotReachStore:
            return bool(self._is_test)
        return self._is_test


def static_folder() -> Path:
    """Our own styles and scripts, and beside them those that set-up fetches."""
    return Path(str(resources.files("api"))) / "static"


def _fingerprint(folder: Path) -> str:
    """Changes with any file of the folder, so that browsers may keep each version for good."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            digest.update(path.relative_to(folder).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:12]


@cache
def _environment() -> Environment:
    """The same for every application of a process: a template is compiled once."""
    templates = FileSystemLoader(Path(str(resources.files("api"))) / "templates")
    environment = Environment(
        loader=ChoiceLoader([templates, PackageLoader("nhsuk_frontend_jinja")]),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=ChainableUndefined,  # the design system's macros read options that nobody gave
    )
    environment.filters |= {
        "ago": time_words.ago,
        "answer_tag": board_words.answer_tag,
        "check_words": day_words.check_words,
        "clock": time_words.clock,
        "day": time_words.day,
        "departure": board_words.departure,
        "error_list": _error_list,
        "full_name": words.full_name,
        "iso": datetime.isoformat,
        "kind_words": lambda kind: DISPLAY[FlagKind(kind)],
        "moment": time_words.moment,
        "spaced": words.spaced,
        "span": time_words.span,
        "opened": day_words.opened,
        "reason_words": reason_words,
        "social_care": day_words.social_care,
        "state_tag": state_tag,
        "telephone": words.telephone,
        "unchecked_reason": board_words.unchecked_reason,
        "what_to_do": board_words.what_to_do,
        "whereabouts": whereabouts,
        "whereabouts_of": day_words.whereabouts_of,
    }
    environment.globals["resolution_items"] = [{"value": each.value, "text": each.words} for each in NewbornResolution]
    environment.globals["answer_items"] = [{"value": answer.value, "text": answer.words} for answer in CodedAnswer]
    return environment


def _error_list(errors: dict[str, str]) -> list[dict[str, str]]:
    """The errors by field, as the error summary links to them."""
    return [{"text": text, "href": f"#{field}"} for field, text in errors.items()]
