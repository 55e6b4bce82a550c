"""Plans that two full extracts in a row did not name, for an authority's data officer: a list, and a page to settle one.

An authority sees its own and no others; every look and every change is on record.
Source: docs/facts.md, section 4 ("absent from two full snapshots"); docs/adr/0032.
"""

from dataclasses import dataclass
from datetime import date
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.datastructures import FormData

from api.paging import page_asked, pages_of
from api.security import field, read_form
from api.services import Here, Services
from api.sessions import DataOfficer
from domain.errors import Conflict, InvalidInput
from runtime.sessions import Session
from safeguarding.extracts.held import LONGEST_REASON, SHORTEST_REASON
from safeguarding.extracts.missing import MissingPlan, Settled, open_missing, open_missing_plan, settle

ON_A_PAGE = 50
LIST = "/extracts/missing"

router = APIRouter()


@router.get(LIST)
async def listed(request: Request, services: Here, session: DataOfficer, page: int = 1, done: str = "") -> Response:
    """The authority's missing plans, longest missing first."""
    page = page_asked(page)
    async with services.database.transaction() as transaction:
        found = await open_missing(transaction, session.actor, session.organisation, limit=ON_A_PAGE, offset=(page - 1) * ON_A_PAGE)
    return await services.pages.page(
        request, "missing.jinja", session, found=found, number=page, pages=pages_of(found.work, ON_A_PAGE),
        told=_TOLD.get(done, ""),
    )  # fmt: skip


_TOLD = {
    Settled.STILL_OPEN.value: "Settled: the plan is still open.",
    Settled.ENDED.value: "Settled: the plan has ended. Hospitals see it as ended for a year.",
    Settled.RECORDED_IN_ERROR.value: "Settled: the plan was recorded in error. It is shown to nobody any more.",
}


@router.get(LIST + "/{flag_id}")
async def one(request: Request, services: Here, session: DataOfficer, flag_id: UUID) -> Response:
    """One missing plan, and what may have become of it."""
    return await _page(request, services, session, await _open(services, session, flag_id), _Fields())


@router.post(LIST + "/{flag_id}")
async def settled(request: Request, services: Here, session: DataOfficer, flag_id: UUID) -> Response:
    """Settle it. The list says what came of it."""
    fields = _Fields.of(await read_form(request, services, session))
    errors = fields.errors()
    if not errors:
        try:
            await settle(
                services.database, session.actor, session.organisation, flag_id, Settled(fields.outcome), fields.reason,
                ended_on=fields.ended_on,
            )  # fmt: skip
        except InvalidInput as error:
            errors = {"ended-day": error.sentence}
        except Conflict as error:
            errors = {"outcome": error.sentence}
    if errors:
        return await _page(request, services, session, await _open(services, session, flag_id), fields, errors, 422)
    return RedirectResponse(f"{LIST}?done={fields.outcome}", 303)


async def _open(services: Services, session: Session, flag_id: UUID) -> MissingPlan:
    async with services.database.transaction() as transaction:
        return await open_missing_plan(transaction, session.actor, session.organisation, flag_id)


@dataclass(frozen=True, slots=True)
class _Fields:
    """What stands in the form."""

    outcome: str = ""
    day: str = ""
    month: str = ""
    year: str = ""
    reason: str = ""

    @classmethod
    def of(cls, form: FormData) -> "_Fields":
        return cls(*(field(form, name).strip() for name in ("outcome", "day", "month", "year", "reason")))

    @property
    def ended_on(self) -> date | None:
        """The day that is meant, or None where it is none, or none is asked for."""
        if self.outcome != Settled.ENDED:
            return None
        try:
            return date(int(self.year), int(self.month), int(self.day))
        except (ValueError, OverflowError):
            return None

    def errors(self) -> dict[str, str]:
        """What must be put right, by the field that is at fault."""
        found = {}
        if self.outcome not in set(Settled):
            found["outcome"] = "Choose what you found out about this plan"
        if self.outcome == Settled.ENDED and self.ended_on is None:
            found["ended-day"] = "Enter the day on which the plan ended, such as 27 3 2026"
        if not SHORTEST_REASON <= len(self.reason) <= LONGEST_REASON:
            found["reason"] = f"Say how you know, in {SHORTEST_REASON} to {LONGEST_REASON} characters"
        return found


async def _page(
    request: Request,
    services: Services,
    session: Session,
    plan: MissingPlan,
    fields: _Fields,
    errors: dict[str, str] | None = None,
    status: int = 200,
) -> Response:
    return await services.pages.page(
        request, "missing_plan.jinja", session, status, plan=plan, fields=fields, error=errors, longest=LONGEST_REASON
    )
