-- ── clients' keys and used tokens (runtime) ───────────────────────────────────────────────────────────────────────────

-- A client belongs to an organisation or to a local authority. A bearer token carries the generation that it was made in: another
-- one ends all that were issued before.
ALTER TABLE clients
    ALTER COLUMN organisation_code DROP NOT NULL,
    ADD COLUMN authority_code   text REFERENCES authorities,
    ADD COLUMN auditor          boolean NOT NULL DEFAULT false,
    ADD COLUMN jwks_url         text CHECK (length(jwks_url) <= 2048),
    ADD COLUMN token_generation integer NOT NULL DEFAULT 0,
    ADD CHECK (num_nonnulls(organisation_code, authority_code) = 1);

-- Public keys alone (RFC 7517). A key that is being replaced is good until a time.
CREATE TABLE client_keys (
    client_id text NOT NULL REFERENCES clients,
    kid       text NOT NULL CHECK (length(kid) BETWEEN 1 AND 255),
    jwk       jsonb NOT NULL CHECK (jwk ->> 'kty' IN ('RSA', 'EC') AND NOT jwk ?| ARRAY['d', 'p', 'q', 'dp', 'dq', 'qi', 'k']),
    added_at  timestamptz NOT NULL DEFAULT now(),
    ends_at   timestamptz,
    PRIMARY KEY (client_id, kid)
);

-- Tokens that may be used once. The digest (SHA-256) stands for the door, the issuer and the jti.
CREATE TABLE used_tokens (
    digest     bytea PRIMARY KEY CHECK (length(digest) = 32),
    expires_at timestamptz NOT NULL
);

-- ── encounters that come over FHIR, and requests that are repeated (safeguarding, flags_store) ───────────────────────

-- Requests that are repeated: by its id an access is found that was written down already.
CREATE INDEX accesses_by_request ON accesses (request_id) WHERE request_id IS NOT NULL;

-- Reads by id: when an authority began or ceased to be shown, which changes what a Flag says.
CREATE INDEX audit_events_of_authorities ON audit_events (subject_id, occurred_at DESC)
    WHERE subject_type = 'authority' AND action LIKE 'authority.%';

-- ── the trail as AuditEvents (safeguarding) ──────────────────────────────────────────────────────────────────────────

-- Searches of the trail, by day and by the hash of a number that nobody had a flag for. BRIN, because the looks are written far
-- more often than they are searched: a page of it is made by VACUUM, and not by the look. Newest first goes by the primary key.
CREATE INDEX accesses_by_time ON accesses USING brin (occurred_at);
CREATE INDEX accesses_by_number_hash ON accesses USING brin (number_hash bytea_bloom_ops) WITH (pages_per_range = 64);
CREATE INDEX audit_events_by_time ON audit_events USING brin (occurred_at);

-- ── subscriptions (alerts) ───────────────────────────────────────────────────────────────────────────────────────────

-- Where a client may be called: an operator registers it, so that no caller can make Nightlight call anything else.
CREATE TABLE client_endpoints (
    client_id text NOT NULL REFERENCES clients,
    url       text NOT NULL CHECK (url ~ '^https?://'),
    added_at  timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (client_id, url)
);

-- Who wants to be told of what. A row stays when its subscription is deleted: its deliveries are told apart by it.
CREATE TABLE subscriptions (
    id                uuid PRIMARY KEY,
    client_id         text NOT NULL REFERENCES clients,
    topic             text NOT NULL CHECK (topic IN ('flagged-child-seen', 'alert-acknowledged')),
    authority_code    text REFERENCES authorities,    -- whose alerts
    organisation_code text REFERENCES organisations,  -- alerts of encounters at whose sites
    filters           text[] NOT NULL DEFAULT '{}',   -- as they were asked
    sites             text[],                         -- what they come to; NULL is every one
    care_settings     text[],
    status            text NOT NULL DEFAULT 'requested' CHECK (status IN ('requested', 'active', 'error', 'off')),
    reason            text NOT NULL CHECK (reason <> ''),
    endpoint          text NOT NULL,
    headers           text[] NOT NULL DEFAULT '{}',
    media_type        text NOT NULL,
    content           text NOT NULL CHECK (content IN ('empty', 'id-only')),
    heartbeat_seconds integer CHECK (heartbeat_seconds > 0),
    timeout_seconds   integer CHECK (timeout_seconds > 0),
    max_count         integer CHECK (max_count > 0),
    ends_at           timestamptz,
    version           integer NOT NULL DEFAULT 1,
    created_at        timestamptz NOT NULL DEFAULT now(),
    changed_at        timestamptz NOT NULL DEFAULT now(),
    deleted_at        timestamptz,
    verified          boolean NOT NULL DEFAULT false,  -- the endpoint has taken the handshake
    last_event        bigint NOT NULL DEFAULT 0,       -- its number; the next is one higher
    failures          integer NOT NULL DEFAULT 0,      -- calls that failed since one went well
    problem           text NOT NULL DEFAULT '',        -- a short code of why it is in error
    next_heartbeat_at timestamptz,
    called_until      timestamptz,                     -- the lease of a handshake or heartbeat
    CHECK ((topic = 'flagged-child-seen') = (authority_code IS NOT NULL)),
    CHECK ((topic = 'alert-acknowledged') = (organisation_code IS NOT NULL)),
    CHECK (deleted_at IS NULL OR status = 'off')
);
CREATE INDEX subscriptions_by_client ON subscriptions (client_id) WHERE deleted_at IS NULL;
CREATE INDEX subscriptions_to_alerts ON subscriptions (authority_code) WHERE status <> 'off' AND authority_code IS NOT NULL;
CREATE INDEX subscriptions_to_answers ON subscriptions (organisation_code) WHERE status <> 'off' AND organisation_code IS NOT NULL;

-- Each event of a subscription is a delivery: numbered without a gap, in the order in which they are seen to be there.
ALTER TABLE deliveries
    ADD COLUMN event_number bigint CHECK (event_number > 0),
    ADD CHECK (event_number IS NULL OR channel = 'subscription'),
    DROP CONSTRAINT deliveries_channel_check,
    ADD CONSTRAINT deliveries_channel_check CHECK (channel IN ('screen', 'email', 'hl7', 'subscription')),
    DROP CONSTRAINT deliveries_state_check,
    ADD CONSTRAINT deliveries_state_check
        CHECK (state IN ('pending', 'sent', 'delivered') OR (state = 'withdrawn' AND channel IN ('hl7', 'subscription')));
CREATE UNIQUE INDEX deliveries_by_event ON deliveries (recipient, event_number) WHERE channel = 'subscription';
CREATE INDEX deliveries_of_subscriptions ON deliveries (recipient, event_number) WHERE state = 'pending' AND channel = 'subscription';
CREATE INDEX deliveries_without_number ON deliveries (recipient, id) WHERE channel = 'subscription' AND event_number IS NULL;

-- ── cards (safeguarding) ─────────────────────────────────────────────────────────────────────────────────────────────

-- EHRs that may ask for cards, known by the issuer (iss) of their tokens. One is for one organisation, and looks from one site.
CREATE TABLE cds_clients (
    issuer            text PRIMARY KEY CHECK (length(issuer) BETWEEN 1 AND 255),
    organisation_code text NOT NULL REFERENCES organisations,
    site              text REFERENCES sites,        -- NULL: the organisation's first of unscheduled care
    jku               text CHECK (length(jku) <= 2048),  -- the only one that its tokens may name; its keys are there unless held here
    keys              jsonb,                        -- public keys (RFC 7517), where they are not fetched
    origins           text[] NOT NULL DEFAULT '{}', -- of browsers that may call (CORS)
    fhir_server       text,                         -- the only one that may be asked for a patient
    info_card         boolean NOT NULL DEFAULT false,
    registered_at     timestamptz NOT NULL DEFAULT now(),
    disabled_at       timestamptz,
    CHECK (jku IS NOT NULL OR keys IS NOT NULL)
);

-- Every card that was shown, once for each call (hookInstance) and urgency. Nobody is named in it.
CREATE TABLE cards (
    id           uuid PRIMARY KEY,                  -- card.uuid
    client       text NOT NULL REFERENCES cds_clients,
    service      text NOT NULL,
    instance     text NOT NULL,                     -- hookInstance
    indicator    text NOT NULL CHECK (indicator IN ('info', 'warning', 'critical')),
    site         text NOT NULL REFERENCES sites ON DELETE CASCADE,
    encounter_id uuid,
    shown_at     timestamptz NOT NULL,
    UNIQUE (client, instance, service, indicator)
);
CREATE INDEX cards_by_site ON cards (site, shown_at);

-- What became of a card. The same is said once, however often an EHR repeats it.
CREATE TABLE card_outcomes (
    card        uuid NOT NULL REFERENCES cards ON DELETE CASCADE,
    outcome     text NOT NULL CHECK (outcome IN ('followed', 'overridden')),
    reason      text NOT NULL DEFAULT '',           -- ours by its code, 'other' for one of the EHR's own, nothing where none was given
    said_at     timestamptz NOT NULL,               -- by the EHR's clock
    recorded_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (card, outcome, reason)
);

-- ── what is asked of PDS (safeguarding) ──────────────────────────────────────────────────────────────────────────────

-- An arrival without an NHS number, and what its message said of the patient: for asking PDS, and for nothing else. What was said
-- is gone as soon as there is an answer or no more need, and after a day at most. What came of it stays as long as the encounter.
CREATE TABLE trace_wants (
    encounter_id uuid PRIMARY KEY REFERENCES encounters ON DELETE CASCADE,
    details      jsonb,                              -- names, birth date, and what else was said of who it is
    details_hash bytea NOT NULL,                     -- keyed (HMAC): the same details are asked about once
    event_at     timestamptz NOT NULL,               -- of the message: what comes of it is no newer than that
    wanted_at    timestamptz NOT NULL DEFAULT now(),
    due_at       timestamptz NOT NULL DEFAULT now(), -- in the future while somebody asks, and between two attempts
    attempts     integer NOT NULL DEFAULT 0,
    outcome      text CHECK (outcome <> ''),
    CHECK ((details IS NULL) = (outcome IS NOT NULL))
);
CREATE INDEX trace_wants_due ON trace_wants (due_at) WHERE outcome IS NULL;

-- ── when a site last told of somebody who is there (runtime of the doors, safeguarding) ──────────────────────────────

-- Of an attendance that an authority hears of. Only that makes a feed live: a feed of clinics, or of what is over, tells nobody.
ALTER TABLE site_feeds ADD COLUMN last_attendance_at timestamptz;
