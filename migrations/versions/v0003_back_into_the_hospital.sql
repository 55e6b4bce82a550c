-- ── writes that must touch just so many rows (runtime/writes.py) ─────────────────────────────────────────────────────

-- Fails the transaction of whoever wrote on what somebody else had changed, so that nobody need wait for a count.
CREATE FUNCTION came_too_late() RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'somebody else was there first' USING ERRCODE = 'serialization_failure';
END $$;

-- ── what is told to a hospital's own engine (alerts, safeguarding) ───────────────────────────────────────────────────

-- Where a site's own engine listens. Nothing goes there unless somebody has declared that patients are not shown these results.
CREATE TABLE outbound_feeds (
    site                  text PRIMARY KEY REFERENCES sites ON DELETE CASCADE,
    host                  text NOT NULL CHECK (host <> ''),
    port                  integer NOT NULL CHECK (port BETWEEN 1 AND 65535),
    tls                   boolean NOT NULL,
    receiving_application text NOT NULL DEFAULT '',
    receiving_facility    text NOT NULL,
    local_authority       text NOT NULL,             -- who assigns the hospital's own numbers (PID-3.4)
    version               text NOT NULL DEFAULT '2.4'
        CHECK (version IN ('2.3', '2.3.1', '2.4', '2.5', '2.5.1', '2.6', '2.7', '2.7.1', '2.8')),
    character_set         text NOT NULL DEFAULT '',  -- MSH-18
    declaration           text NOT NULL CHECK (declaration <> ''),  -- who declared that patients are not shown them, and where
    declared_at           timestamptz NOT NULL,
    declared_to           text NOT NULL,             -- who wrote it down
    switched_off_at       timestamptz
);

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_channel_check,
    ADD CONSTRAINT deliveries_channel_check CHECK (channel IN ('screen', 'email', 'hl7')),
    ADD COLUMN patient jsonb,  -- the numbers by which the hospital knows the patient, as they were when this was to be told
    ADD CHECK ((patient IS NOT NULL) = (channel = 'hl7'));
CREATE INDEX deliveries_to_hospitals ON deliveries (recipient, id) WHERE state = 'pending' AND channel = 'hl7';
CREATE INDEX deliveries_of_hospital_alerts ON deliveries (alert_id, id DESC) WHERE channel = 'hl7';

-- ── the department's board and the nurse's day (safeguarding) ────────────────────────────────────────────────────────

-- What somebody must look at: who is there now or left lately, and a day's attendances. Few arrivals are in it, and no update
-- that could be made in place before is kept from it: each of its columns stands in another index, or never changes by itself.
CREATE INDEX encounters_to_watch ON encounters (site, departed_at) WHERE flagged OR could_not_check IS NOT NULL;

-- Whose banner was opened, and who could not be checked at first.
CREATE INDEX accesses_to_follow ON accesses (encounter_id, occurred_at)
    WHERE encounter_id IS NOT NULL AND (trigger_event = 'banner' OR outcome = 'could-not-check');

-- ── the order of events (safeguarding, flags_store) ──────────────────────────────────────────────────────────────────

-- MSH-13 of the last event and MSH-3 of its sender: they put in order what happened in one moment.
ALTER TABLE encounters
    ADD COLUMN last_sequence        bigint CHECK (last_sequence > 0),
    ADD COLUMN last_sequence_sender text;

-- When a hospital linked two numbers, or took it back, by its own clock: what is older undoes nothing. NULL where nobody said.
ALTER TABLE person_aliases ADD COLUMN event_at timestamptz;

-- ── the share of unclassified arrivals over weeks (safeguarding) ─────────────────────────────────────────────────────

-- Arrivals that are erased are added here in the same statement: with those that are still kept they make a day's number. No people.
CREATE TABLE site_arrivals (
    site         text NOT NULL REFERENCES sites ON DELETE CASCADE,
    day          date NOT NULL,  -- in England
    arrivals     integer NOT NULL CHECK (arrivals > 0),
    unclassified integer NOT NULL CHECK (unclassified BETWEEN 0 AND arrivals),
    PRIMARY KEY (site, day)
);
-- What was erased before nobody counted.
ALTER TABLE sites ADD COLUMN arrivals_counted_since timestamptz NOT NULL DEFAULT now();

-- ── until when a peer's certificate holds (safeguarding) ─────────────────────────────────────────────────────────────

ALTER TABLE peers
    ADD COLUMN certificate_expires_at timestamptz,  -- NULL where the certificate is known by its fingerprint alone
    ADD CHECK (certificate_expires_at IS NULL OR certificate IS NOT NULL);

-- ── what a person withdraws from a system that shall never be told (alerts, safeguarding) ─────────────────────────────

-- Only what was to go to a hospital's own system. What was to go to social care is told, or waits.
ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_state_check,
    ADD CONSTRAINT deliveries_state_check
        CHECK (state IN ('pending', 'sent', 'delivered') OR (state = 'withdrawn' AND channel = 'hl7')),
    DROP CONSTRAINT deliveries_check,
    ADD CONSTRAINT deliveries_check CHECK ((state IN ('pending', 'withdrawn')) = (sent_at IS NULL));
