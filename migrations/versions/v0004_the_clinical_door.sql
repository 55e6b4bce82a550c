-- ── clients' keys and used tokens (runtime) ───────────────────────────────────────────────────────────────────────────

-- ── encounters that come over FHIR, and requests that are repeated (safeguarding, flags_store) ───────────────────────

-- Requests that are repeated: by its id an access is found that was written down already.
CREATE INDEX accesses_by_request ON accesses (request_id) WHERE request_id IS NOT NULL;

-- ── the trail as AuditEvents (safeguarding) ──────────────────────────────────────────────────────────────────────────

-- ── subscriptions (alerts) ───────────────────────────────────────────────────────────────────────────────────────────

-- ── cards (safeguarding) ─────────────────────────────────────────────────────────────────────────────────────────────

-- ── what is asked of PDS (safeguarding) ──────────────────────────────────────────────────────────────────────────────
