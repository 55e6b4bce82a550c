"""Facts of an authority and a site that may go live, to be changed one by one."""

from datetime import UTC, date, datetime
from uuid import UUID

from safeguarding.onboarding.facts import AuthorityFacts, Checked, LoadedExtract, Phone, SiteFacts, Standing
from safeguarding.onboarding.states import State

AT = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
RUNG = Checked("020 7946 0101", AT, "Wanda Worker")
PHONE = Phone("020 7946 0101", RUNG)
AGREED = Standing("Sharing agreement 2026", date(2027, 3, 31))
EXTRACT = LoadedExtract(UUID(int=1), AT, 100, 5, {"CPP": 60, "LAC": 38})
AUTHORITY = AuthorityFacts(
    code="301", name="Northmoor Council", state=State.TRIAL, is_production=True, office_phone=PHONE, emergency_phone=PHONE,
    alert_email="team@301.example", data_email="data@301.example", stretches=5, agreement=AGREED, extract=EXTRACT,
    held={"CPP": 60, "LAC": 38}, totals=Checked("60 CPP, 38 LAC, 0 UCPP", AT, "Dora Lindqvist"), matched=0.97,
)  # fmt: skip
SITE = SiteFacts(
    code="R0A01", name="St Agnes", state=State.TRIAL, is_production=True, host_authority="301", safeguarding_phone=PHONE,
    agreement=AGREED, peers=1, certified_peers=1, clients=0, heard_at=AT, heard_lately=True, arrivals=400, unclassified=3,
)  # fmt: skip
