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

-- One network can hold several systems with certificates; who has none is known by the network alone.
ALTER TABLE peers DROP CONSTRAINT peers_network_key;
CREATE UNIQUE INDEX peers_known_by_network ON peers (network) WHERE certificate IS NULL;

-- What each listener shows in a TLS handshake, written with its heartbeat.
CREATE TABLE listener_certificates (
    instance   text NOT NULL,
    listener   text NOT NULL,
    expires_at timestamptz NOT NULL,
    problem    text NOT NULL,  -- why newer files are not in use, or empty
    seen_at    timestamptz NOT NULL,
    PRIMARY KEY (instance, listener)
);

-- Whether a number was ever in a site's feed (hl7_listener/lookup_watch.py). Open encounters have an index of their own.
CREATE INDEX encounters_ended_by_number ON encounters (nhs_number) WHERE state <> 'open';

-- ── newborns (flags_store, safeguarding, alerts) ───────────────────────────────────────────────────────────────────

-- The number of a baby whose mother held an unborn plan when it was born. Kept with its resolution, never made twice.
CREATE TABLE newborn_links (
    id          uuid PRIMARY KEY DEFAULT uuidv7(),
    flag_id     uuid NOT NULL REFERENCES flags,
    facility    text NOT NULL DEFAULT '',  -- empty for an NHS number, else the facility that gave the local number
    value       text NOT NULL CHECK (value <> ''),
    source      text NOT NULL,
    linked_at   timestamptz NOT NULL DEFAULT now(),
    resolved_at timestamptz,
    resolved_by text,
    resolution  text CHECK (resolution IN ('own-plan', 'no-plan', 'wrong-baby')),
    UNIQUE (value, facility, flag_id),
    CHECK ((resolved_at IS NULL) = (resolved_by IS NULL AND resolution IS NULL))
);

ALTER TABLE encounters ADD COLUMN mother_number text CHECK (mother_number ~ '^[0-9]{10}$');  -- of a baby
CREATE INDEX encounters_open_by_mother ON encounters (mother_number) WHERE state = 'open' AND mother_number IS NOT NULL;

ALTER TABLE alerts
    DROP CONSTRAINT alerts_reason_check,
    ADD CONSTRAINT alerts_reason_check CHECK (reason IN ('attendance', 'late-flag', 'late-identity', 'newborn'));

-- ── who sent a quarantined message, and what became of it (safeguarding) ─────────────────────────────────────────────

ALTER TABLE quarantine
    ADD COLUMN certificate     text,                      -- of whoever sent it, as in peers; NULL where none was asked for
    ADD COLUMN last_tried_at   timestamptz,               -- a replay that could not be taken
    ADD COLUMN decision_reason text NOT NULL DEFAULT '';  -- why it was discarded, in a person's words
