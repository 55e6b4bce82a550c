-- ── what is told to a hospital's own engine (alerts, safeguarding) ───────────────────────────────────────────────────

-- ── the department's board and the nurse's day (safeguarding) ────────────────────────────────────────────────────────
