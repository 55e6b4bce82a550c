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

-- Tokens that may be used once. The digest (SHA-256) stands for the issuer and the jti.
CREATE TABLE used_tokens (
    digest     bytea PRIMARY KEY CHECK (length(digest) = 32),
    expires_at timestamptz NOT NULL
);

-- ── encounters that come over FHIR, and requests that are repeated (safeguarding, flags_store) ───────────────────────

-- Requests that are repeated: by its id an access is found that was written down already.
CREATE INDEX accesses_by_request ON accesses (request_id) WHERE request_id IS NOT NULL;

-- ── the trail as AuditEvents (safeguarding) ──────────────────────────────────────────────────────────────────────────

-- ── subscriptions (alerts) ───────────────────────────────────────────────────────────────────────────────────────────

-- ── cards (safeguarding) ─────────────────────────────────────────────────────────────────────────────────────────────

-- ── what is asked of PDS (safeguarding) ──────────────────────────────────────────────────────────────────────────────
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

