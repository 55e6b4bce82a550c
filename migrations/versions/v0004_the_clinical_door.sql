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
