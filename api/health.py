"""`/live`, `/ready` and `/metrics`: for load balancers, monitors and whoever is on call. No patient is in any of them.

Ready means that this door can answer about a child: the database is there and has the shape of this release. What else
is wrong (a silent listener, a dispatcher that stopped, alerts that wait) is named and makes the answer "degraded", still
200: taking the pages away would help nobody.
"""

from datetime import datetime
from functools import cache
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import JSONResponse
from prometheus_client.metrics_core import GaugeMetricFamily

from api.mesh_health import mesh_reasons
from api.metrics import ages, counted, gauge, gauge_by
from api.services import Here, Services
from api.upload_health import upload_gauge, upload_reasons
from api.work_metrics import late_reasons, work_gauges
from domain.errors import CouldNotReachStore
from runtime.clock import now
from runtime.heartbeat import ALIVE_SECONDS
from runtime.migrate import newest_revision
from safeguarding.cards import count_lately
from safeguarding.readiness import Readiness, read_readiness

NEEDED = ("listener", "dispatcher", "loader")
WAITED_TOO_LONG_SECONDS = 300.0
UNTRACED_TOO_LONG_SECONDS = 900.0
CERTIFICATE_DAYS = 30.0

router = APIRouter()


@router.get("/live")
async def live() -> Response:
    """This process answers."""
    return JSONResponse({"status": "alive"})


@router.get("/ready")
async def ready(services: Here) -> Response:
    """Whether this process can answer about a child, and how the rest of the service is."""
    try:
        readiness, late = await _read(services)
    except Exception as error:
        reason = "the database is away" if isinstance(error, CouldNotReachStore) else "the database is not as it should be"
        return JSONResponse({"status": "not-ready", "reasons": [reason]}, 503)
    at = now()
    if readiness.revision != _needed_revision():
        return JSONResponse({"status": "not-ready", "reasons": ["the database is not migrated to this release"]}, 503)
    reasons = _reasons(readiness, at) + _quarantine_reasons(readiness, at, services.settings.quarantine_alarm_minutes)
    reasons += late_reasons(await services.directory.current(), at) + [each.sentence for each in readiness.agreements]
    reasons += await upload_reasons(services, at) + await mesh_reasons(services, at)
    return JSONResponse({"status": "degraded" if reasons else "ready", "reasons": reasons, **_body(readiness, late, at)})


@router.get("/metrics")
async def metrics(services: Here) -> Response:
    """What was counted, and the ages that `/ready` shows; without these where the database is away."""
    text = counted()
    try:
        readiness, _ = await _read(services)
        more = [await _cards(services), *await work_gauges(services), await upload_gauge(services, now())]
    except CouldNotReachStore:
        reachable = 0.0
    else:
        reachable = 1.0
        text += ages([*_gauges(readiness, now()), *more])
    text += ages([gauge("nightlight_store_reachable", "Whether the database answers.", "store", {"postgresql": reachable})])
    return Response(text, media_type="text/plain; version=0.0.4; charset=utf-8")


async def _cards(services: Services) -> GaugeMetricFamily:
    async with services.database.transaction() as transaction:
        counts = await count_lately(transaction)
    words = "Cards shown in the last seven days and what became of them, by outcome (seen too) and override reason."
    return gauge_by("nightlight_cards", words, ("site", "outcome", "reason"), counts.items())


async def _read(services: Services) -> tuple[Readiness, frozenset[str]]:
    directory = await services.directory.current()
    async with services.database.transaction() as transaction:
        readiness = await read_readiness(transaction, directory)
    return readiness, frozenset(feed.authority_code for feed in directory.coverage(now()).late)


@cache
def _needed_revision() -> str:
    return newest_revision()


def _reasons(readiness: Readiness, at: datetime) -> list[str]:
    beats = _beats(readiness, at)
    reasons = [f"the {process} was never heard" for process in NEEDED if process not in beats]
    reasons += [
        f"the {process} was last heard {seconds:.0f} s ago"
        for process, seconds in beats.items()
        if process in NEEDED and seconds > ALIVE_SECONDS
    ]
    waited = _age(readiness.oldest_undelivered, at)
    if waited is not None and waited > WAITED_TOO_LONG_SECONDS:
        reasons.append(f"an alert has waited undelivered for {waited:.0f} s")
    untraced = _age(readiness.oldest_untraced, at)
    if untraced is not None and untraced > UNTRACED_TOO_LONG_SECONDS:
        reasons.append(f"a patient without an NHS number has waited {untraced:.0f} s to be asked for at PDS")
    return reasons + _certificate_reasons(readiness, at)


def _certificate_reasons(readiness: Readiness, at: datetime) -> list[str]:
    problems = [
        f"the listener {each.listener} cannot use its newest certificate files: {each.problem}"
        for each in readiness.certificates
        if each.problem
    ]
    left = {f"listener {each.listener}": each.days_left(at) for each in readiness.certificates}
    left |= {f"peer {each.peer}": each.days_left(at) for each in readiness.peer_certificates}
    return problems + [
        f"the certificate of the {whose} {f'expires in {days:.0f} days' if days > 0 else 'has expired'}"
        for whose, days in left.items()
        if days < CERTIFICATE_DAYS
    ]


def _quarantine_reasons(readiness: Readiness, at: datetime, alarm_minutes: float) -> list[str]:
    held = _age(readiness.oldest_quarantined, at)
    return [f"a message has been in quarantine for {held:.0f} s"] if held is not None and held > 60 * alarm_minutes else []


def _body(readiness: Readiness, late: frozenset[str], at: datetime) -> dict[str, Any]:
    return {
        "processes": {process: {"last_heard_seconds": seconds} for process, seconds in _beats(readiness, at).items()},
        "sites": {site: {"last_message_seconds": _age(when, at)} for site, when in readiness.last_message.items()},
        "authorities": {
            code: {"last_extract_seconds": _age(when, at), "late": code in late} for code, when in readiness.last_extract.items()
        },
        "certificates": {each.listener: {"days_left": each.days_left(at)} for each in readiness.certificates},
        "peer_certificates": {each.peer: {"days_left": each.days_left(at)} for each in readiness.peer_certificates},
        "oldest_undelivered_alert_seconds": _age(readiness.oldest_undelivered, at),
        "oldest_quarantined_message_seconds": _age(readiness.oldest_quarantined, at),
        "oldest_untraced_seconds": _age(readiness.oldest_untraced, at),
    }


def _gauges(readiness: Readiness, at: datetime) -> list[GaugeMetricFamily]:
    messages = {site: _age(when, at) for site, when in readiness.last_message.items()}
    extracts = {code: _age(when, at) for code, when in readiness.last_extract.items()}
    waited = {"postgresql": _age(readiness.oldest_undelivered, at) or 0.0}
    held = {"postgresql": _age(readiness.oldest_quarantined, at) or 0.0}
    untraced = {"postgresql": _age(readiness.oldest_untraced, at) or 0.0}
    days = {each.listener: each.days_left(at) for each in readiness.certificates}
    peers = {each.peer: each.days_left(at) for each in readiness.peer_certificates}
    problems = {each.listener: float(bool(each.problem)) for each in readiness.certificates}
    agreements = {f"{each.party_kind} {each.party_code}": float(each.days_left) for each in readiness.agreements}
    return [
        gauge("nightlight_agreement_days", "Until an agreement runs out, below 0 after; where 60 or fewer.", "party", agreements),
        gauge("nightlight_certificate_days", "Until an HL7 listener's certificate expires.", "listener", days),
        gauge("nightlight_peer_certificate_days", "Until the certificate of a peer expires.", "peer", peers),
        gauge("nightlight_certificate_problem", "1 while an HL7 listener cannot use its newest files.", "listener", problems),
        gauge("nightlight_process_silent_seconds", "Since a process was heard.", "process", _beats(readiness, at)),
        gauge("nightlight_site_silent_seconds", "Since a site's last real message.", "site", _known(messages)),
        gauge("nightlight_extract_age_seconds", "Age of an authority's last extract.", "authority", _known(extracts)),
        gauge("nightlight_oldest_undelivered_alert_seconds", "Age of the oldest undelivered alert, or 0.", "store", waited),
        gauge("nightlight_oldest_quarantined_message_seconds", "Age of the oldest held message, or 0.", "store", held),
        gauge("nightlight_oldest_untraced_seconds", "Since when somebody waits to be asked for at PDS, or 0.", "store", untraced),
    ]


def _beats(readiness: Readiness, at: datetime) -> dict[str, float]:
    return {beat.process: _age(beat.beat_at, at) or 0.0 for beat in readiness.beats}


def _age(when: datetime | None, at: datetime) -> float | None:
    return None if when is None else round(max(0.0, (at - when).total_seconds()), 1)


def _known(values: dict[str, float | None]) -> dict[str, float]:
    return {key: value for key, value in values.items() if value is not None}
