-- ── how a site wants its messages answered (safeguarding) ──────────────────────────────────────────────────────────

ALTER TABLE sites
    ADD COLUMN announce_in_ack   boolean NOT NULL DEFAULT false,  -- say in the acknowledgement that something is known
    ADD COLUMN refuse_recycled   boolean NOT NULL DEFAULT false,  -- a control ID that comes again with other content is AE
    ADD COLUMN silent_on_failure boolean NOT NULL DEFAULT false,  -- our own trouble closes the connection instead of AR
    ADD COLUMN character_set     text NOT NULL DEFAULT '';        -- where MSH-18 is missing or wrong

-- ── who may connect, and who may ask (safeguarding) ────────────────────────────────────────────────────────────────

ALTER TABLE peers
    ALTER COLUMN network DROP NOT NULL,
    ADD COLUMN certificate text UNIQUE CHECK (certificate ~ '^[0-9a-f]{64}$'),  -- SHA-256 of the client's certificate
    ADD CHECK (network IS NOT NULL OR certificate IS NOT NULL);
ALTER TABLE peer_facilities ADD COLUMN may_query boolean NOT NULL DEFAULT false;

-- ── newborns and unlinked identities (flags_store, alerts) ─────────────────────────────────────────────────────────

ALTER TABLE person_aliases
    DROP CONSTRAINT person_aliases_relation_check,
    ADD CONSTRAINT person_aliases_relation_check CHECK (relation IN ('superseded', 'merged', 'local', 'newborn')),
    DROP CONSTRAINT person_aliases_check,
    ADD CONSTRAINT person_aliases_facility_check CHECK (relation = 'newborn' OR (facility = '') = (relation <> 'local'));
ALTER TABLE alerts
    DROP CONSTRAINT alerts_reason_check,
    ADD CONSTRAINT alerts_reason_check CHECK (reason IN ('attendance', 'late-flag', 'late-identity', 'newborn'));
