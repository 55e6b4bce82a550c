-- ── extracts and the pipeline (flags_store) ───────────────────────────────────────────────────────────────────────────────

-- An extract is applied in one transaction: a load that died has left nothing (`persons_done` goes with a later release). `held` records wait for a second person.
ALTER TABLE extracts
    ADD COLUMN file_format     text NOT NULL DEFAULT 'csv' CHECK (file_format IN ('csv', 'ssd', 'v3')),
    ADD COLUMN scope           text NOT NULL DEFAULT 'partial' CHECK (scope IN ('full', 'partial')),
    ADD COLUMN came_by         text NOT NULL DEFAULT 'command' CHECK (came_by IN ('page', 'command', 'api', 'mesh')),
    ADD COLUMN cause           text NOT NULL DEFAULT 'extract' CHECK (cause IN ('extract', 'mended', 'released', 'settled')),
    ADD COLUMN sequence_number bigint CHECK (sequence_number >= 0),           -- V3 alone
    ADD COLUMN declared        jsonb NOT NULL DEFAULT '{}',                   -- kind: open plans that the sender says it holds
    ADD COLUMN held            integer NOT NULL DEFAULT 0,
    ADD COLUMN missing         integer NOT NULL DEFAULT 0;                    -- open plans that a full snapshot did not name
-- The same content, declared anew as sensitive or as full, is loaded once more.
DROP INDEX extracts_once;
CREATE UNIQUE INDEX extracts_once ON extracts (authority_code, content_hash, extracted_at, sensitive, scope) WHERE state <> 'interrupted';
CREATE INDEX extracts_by_sequence ON extracts (authority_code, sequence_number DESC) WHERE sequence_number IS NOT NULL;

-- What is worth saying of an extract and refuses nothing: what was left out, what differs from what was declared, a gap in sequence.
CREATE TABLE extract_notes (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    extract_id uuid NOT NULL REFERENCES extracts,
    code       text NOT NULL,
    place      text NOT NULL DEFAULT '',      -- where in the file, for whoever looks it up; never who
    count      integer NOT NULL DEFAULT 1,
    detail     jsonb NOT NULL DEFAULT '{}'    -- numbers and codes for the words
);
CREATE INDEX extract_notes_by_extract ON extract_notes (extract_id);

ALTER TABLE extract_rejects ADD COLUMN place text NOT NULL DEFAULT '';        -- "record 12", "ssd_cp_plans line 7"; empty: the line

ALTER TABLE authorities
    ADD COLUMN data_email     text,                                           -- its data officers' mailbox; alerts go to alert_email
    ADD COLUMN mesh_mailbox   text UNIQUE CHECK (mesh_mailbox ~ '^[A-Z0-9]{5,20}$'),
    ADD COLUMN gss_code       text CHECK (gss_code ~ '^[A-Z][0-9]{8}$'),      -- as postcode directories name it
    ADD COLUMN successor_code text REFERENCES authorities,
    ADD COLUMN shrink_share   numeric NOT NULL DEFAULT 0.10 CHECK (shrink_share > 0 AND shrink_share <= 1),
    ADD COLUMN surge_share    numeric NOT NULL DEFAULT 0.50 CHECK (surge_share > 0),
    ADD COLUMN short_breaks   boolean NOT NULL DEFAULT false,                 -- care under V1, V3, V4 alone counts as looked after (SSD)
    ADD COLUMN flags_version  bigint NOT NULL DEFAULT 0;                      -- counts what has changed its flags

ALTER TABLE flags
    ADD COLUMN plan_id          text NOT NULL DEFAULT '',                     -- the authority's own id of the plan, where it sends one
    ADD COLUMN match_basis      text NOT NULL DEFAULT 'check-digit'
        CHECK (match_basis IN ('check-digit', 'traced', 'superseded', 'differs', 'not-found')),
    ADD COLUMN missed_snapshots smallint NOT NULL DEFAULT 0,                  -- full snapshots in a row that did not name it
    ADD COLUMN missing_since    timestamptz,
    ADD COLUMN withdrawn_at     timestamptz,                                  -- adoption: shown to nobody, without a tail
    ADD CHECK ((missed_snapshots > 0) = (missing_since IS NOT NULL));
CREATE INDEX flags_by_plan ON flags (authority_code, plan_id) WHERE plan_id <> '';
CREATE INDEX flags_missing ON flags (authority_code) WHERE missed_snapshots > 0;

-- An authority's own words for legal statuses and for reasons why care ceased, by their national codes: for Standard Safeguarding Datasets.
CREATE TABLE authority_statuses (
    authority_code text NOT NULL REFERENCES authorities,
    words          text NOT NULL,                     -- without case, dashes and punctuation
    code           text NOT NULL CHECK (code ~ '^[A-Z][0-9]{1,2}[A-Z]?$'),
    PRIMARY KEY (authority_code, words)
);

-- ── held for a second person, and plans that are missing (flags_store) ────────────────────────────────────────────────────────

-- What the shrink guard held of an extract, record by record. Nothing of it is applied before a second person has decided.
CREATE TABLE held_changes (
    id             uuid PRIMARY KEY DEFAULT uuidv7(),
    authority_code text NOT NULL REFERENCES authorities,
    extract_id     uuid NOT NULL REFERENCES extracts,  -- the newest that said so
    person_id      uuid NOT NULL REFERENCES persons,
    flag_id        uuid REFERENCES flags,              -- none where the plan is new, and needs the days that a held ending would free
    kind           text NOT NULL CHECK (kind IN ('CPP', 'LAC', 'UCPP')),
    start_date     date NOT NULL,
    change         text NOT NULL CHECK (change IN ('open', 'amend', 'end', 'delete', 'unchanged')),
    line           integer NOT NULL,
    fields         text[],                             -- the columns of CSV, as sent; gone with the decision
    extras         jsonb NOT NULL DEFAULT '{}',
    open_plans     integer NOT NULL,                   -- of the authority, when this was held
    sender_kind    text NOT NULL,
    sender_id      text NOT NULL,
    sender_name    text NOT NULL,
    waiting_since  timestamptz NOT NULL DEFAULT now(), -- since the first extract that said so
    release_began  timestamptz,                        -- a second person has agreed; the load that applies it says so
    decision       text CHECK (decision IN ('released', 'refused', 'replaced', 'rejected')),
    decided_at     timestamptz,
    decided_by     text,
    reason         text NOT NULL DEFAULT '',
    CHECK ((decision IS NULL) = (decided_at IS NULL)),
    CHECK ((decision IS NULL) = (fields IS NOT NULL))
);
CREATE UNIQUE INDEX held_changes_one_waiting ON held_changes (authority_code, person_id, kind, start_date) WHERE decision IS NULL;
CREATE INDEX held_changes_by_extract ON held_changes (extract_id);

-- Abnormally many openings: they are shown, and a second person confirms them or takes them back.
CREATE TABLE surges (
    extract_id   uuid PRIMARY KEY REFERENCES extracts,
    authority_code text NOT NULL REFERENCES authorities,
    open_plans   integer NOT NULL,                     -- of the authority, when this was noted
    sender_kind  text NOT NULL,
    sender_id    text NOT NULL,
    sender_name  text NOT NULL,
    noted_at     timestamptz NOT NULL DEFAULT now(),
    decision     text CHECK (decision IN ('confirmed', 'taken-back')),
    decided_at   timestamptz,
    decided_by   text,
    reason       text NOT NULL DEFAULT '',
    CHECK ((decision IS NULL) = (decided_at IS NULL))
);
CREATE INDEX surges_waiting ON surges (authority_code) WHERE decision IS NULL;

CREATE TABLE surge_openings (
    extract_id uuid NOT NULL REFERENCES surges,
    flag_id    uuid NOT NULL REFERENCES flags,
    PRIMARY KEY (extract_id, flag_id)
);

-- What a person found out about a plan that two full snapshots in a row did not name.
CREATE TABLE missing_settled (
    id         uuid PRIMARY KEY DEFAULT uuidv7(),
    flag_id    uuid NOT NULL REFERENCES flags,
    outcome    text NOT NULL CHECK (outcome IN ('still-open', 'ended', 'recorded-in-error')),
    reason     text NOT NULL,
    settled_by text NOT NULL,
    settled_at timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX missing_settled_by_flag ON missing_settled (flag_id);

-- ── uploads: what came in, until it is loaded (flags_store) ───────────────────────────────────────────────────────────────────

-- Kept before anybody is told that it was taken. The bytes stand in parts, and go when it is loaded or refused; the row stays.
CREATE TABLE uploads (
    id                 uuid PRIMARY KEY DEFAULT uuidv7(),
    authority_code     text NOT NULL REFERENCES authorities,
    content_hash       bytea NOT NULL CHECK (length(content_hash) = 32),
    size               bigint NOT NULL CHECK (size >= 0),
    came_by            text NOT NULL CHECK (came_by IN ('page', 'command', 'api', 'mesh')),
    mesh_message_id    text NOT NULL DEFAULT '',
    actor_kind         text NOT NULL,
    actor_id           text NOT NULL,
    actor_name         text NOT NULL,
    actor_role         text NOT NULL,
    actor_organisation text NOT NULL,
    extracted_at       timestamptz,                   -- as it was declared; NULL: the file says so itself
    scope              text NOT NULL CHECK (scope IN ('full', 'partial')),
    sensitive          boolean NOT NULL,
    declared           jsonb NOT NULL DEFAULT '{}',   -- kind: open plans that the sender says it holds
    received_at        timestamptz NOT NULL DEFAULT now(),
    state              text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'loading', 'loaded', 'refused')),
    due_at             timestamptz NOT NULL DEFAULT now(),
    attempts           integer NOT NULL DEFAULT 0,
    claimed_by         uuid,
    lease_until        timestamptz,
    step               text NOT NULL DEFAULT '',
    done               integer NOT NULL DEFAULT 0,
    total              integer,                       -- NULL: nobody knows yet
    extract_id         uuid REFERENCES extracts,
    refusal_code       text NOT NULL DEFAULT '',
    refusal            text NOT NULL DEFAULT '',
    ended_at           timestamptz,
    CHECK ((state = 'loading') = (claimed_by IS NOT NULL)),
    CHECK ((claimed_by IS NULL) = (lease_until IS NULL)),
    CHECK ((state IN ('loaded', 'refused')) = (ended_at IS NOT NULL)),
    CHECK ((state = 'loaded') = (extract_id IS NOT NULL))
);
-- The same content, declared the same, is one upload; one that was refused may be tried again.
CREATE UNIQUE INDEX uploads_once ON uploads
    (authority_code, content_hash, coalesce(extracted_at, '-infinity'), scope, sensitive, declared)
    WHERE state <> 'refused';
CREATE UNIQUE INDEX uploads_by_mesh_message ON uploads (mesh_message_id) WHERE mesh_message_id <> '';
CREATE UNIQUE INDEX uploads_one_loading ON uploads (authority_code) WHERE state = 'loading';
CREATE INDEX uploads_to_load ON uploads (id) WHERE state IN ('waiting', 'loading');
CREATE INDEX uploads_by_authority ON uploads (authority_code, received_at DESC);

CREATE TABLE upload_parts (
    upload_id uuid NOT NULL REFERENCES uploads ON DELETE CASCADE,
    number    integer NOT NULL,
    content   bytea NOT NULL,
    PRIMARY KEY (upload_id, number)
);
ALTER TABLE upload_parts ALTER COLUMN content SET STORAGE EXTERNAL;  -- a zip is compressed already, and a CSV does not stay

-- ── MESH (mesh_mailbox, alerts) ───────────────────────────────────────────────────────────────────────────────────────────────

-- The answer to a national upload: a code for the file and one for each record, kept in the load's own transaction.
CREATE TABLE extract_responses (
    extract_id uuid PRIMARY KEY REFERENCES extracts,
    file_code  text NOT NULL CHECK (file_code ~ '^CPF[0-9]{2}$'),
    records    integer NOT NULL,
    accepted   integer NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
CREATE TABLE extract_response_parts (
    extract_id uuid NOT NULL REFERENCES extract_responses,
    number     integer NOT NULL,              -- 0 is the head
    content    bytea NOT NULL,                -- gzip, each part by itself
    PRIMARY KEY (extract_id, number)
);

-- What waits in the MESH mailbox and was not taken in: from nobody known, of a kind that nobody knows, or not readable. It stays
-- unacknowledged in MESH, and is tried again; a report of MESH about what we sent is acknowledged once it stands here.
CREATE TABLE mesh_inbox (
    message_id      text PRIMARY KEY,
    sender          text NOT NULL DEFAULT '',
    workflow_id     text NOT NULL DEFAULT '',
    state           text NOT NULL CHECK (state IN ('waiting', 'taken', 'report', 'gone')),
    reason          text NOT NULL DEFAULT '', -- a short code of ours
    first_seen_at   timestamptz NOT NULL DEFAULT now(),
    last_seen_at    timestamptz NOT NULL DEFAULT now(),
    attempts        integer NOT NULL DEFAULT 1,
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    settled_at      timestamptz
);
CREATE INDEX mesh_inbox_waiting ON mesh_inbox (first_seen_at) WHERE state = 'waiting';

-- What is to be sent to authorities by MESH, until it is. `local_id` goes with it, so that a receiver makes repeats one.
CREATE TABLE mesh_outbox (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    authority_code  text NOT NULL REFERENCES authorities,
    kind            text NOT NULL CHECK (kind IN ('upload-response', 'inactive-nhs-number', 'empty-notification')),
    local_id        text NOT NULL UNIQUE,
    upload_id       uuid,                     -- what is answered
    detail          jsonb NOT NULL DEFAULT '{}', -- what the notice says; empty once it was sent
    state           text NOT NULL DEFAULT 'waiting' CHECK (state IN ('waiting', 'sent', 'undelivered')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    attempts        integer NOT NULL DEFAULT 0,
    problem         text NOT NULL DEFAULT '', -- of the last attempt: a short code of ours
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    sent_at         timestamptz,
    mesh_message_id text,
    CHECK ((state = 'waiting') = (sent_at IS NULL))
);
CREATE INDEX mesh_outbox_due ON mesh_outbox (next_attempt_at) WHERE state = 'waiting';
CREATE INDEX mesh_outbox_by_message ON mesh_outbox (mesh_message_id) WHERE mesh_message_id IS NOT NULL;

ALTER TABLE deliveries
    DROP CONSTRAINT deliveries_channel_check,
    ADD CONSTRAINT deliveries_channel_check CHECK (channel IN ('screen', 'email', 'hl7', 'subscription', 'mesh'));

-- ── matching, numbers that change, sealing (flags_store) ──────────────────────────────────────────────────────────────────────

-- An adopted child: the old record is sealed, and linked to no other number, by nobody.
ALTER TABLE persons
    ADD COLUMN sealed_at     timestamptz,
    ADD COLUMN sealed_reason text CHECK (sealed_reason IN ('invalidated', 'adopted')),
    ADD CHECK ((sealed_at IS NULL) = (sealed_reason IS NULL));

-- A sealed baby's number leads to its mother's plan no more.
ALTER TABLE newborn_links
    DROP CONSTRAINT newborn_links_resolution_check,
    ADD CONSTRAINT newborn_links_resolution_check CHECK (resolution IN ('own-plan', 'no-plan', 'wrong-baby', 'sealed'));

-- What each authority told of a person when PDS was last asked about it, what PDS said, and when it is to be asked again.
CREATE TABLE person_matches (
    person_id      uuid NOT NULL REFERENCES persons ON DELETE CASCADE,
    authority_code text NOT NULL REFERENCES authorities,
    family_name    text NOT NULL,
    given_name     text NOT NULL,
    birth_date     date,
    basis          text NOT NULL CHECK (basis IN ('check-digit', 'traced', 'superseded', 'differs', 'not-found')),
    matched_at     timestamptz,                      -- NULL: PDS has not said anything yet
    due_at         timestamptz NOT NULL DEFAULT now(), -- in the future while somebody asks, and until it is asked again
    attempts       integer NOT NULL DEFAULT 0,       -- since PDS last said something
    PRIMARY KEY (person_id, authority_code)
);
CREATE INDEX person_matches_due ON person_matches (due_at);
CREATE INDEX person_matches_by_authority ON person_matches (authority_code);
CREATE INDEX persons_sealed ON persons (id) WHERE sealed_at IS NOT NULL;

-- ── rejected records as work; what authorities are told by e-mail (flags_store) ───────────────────────────────────────────────

-- A rejected record is one piece of work, however many extracts bring it: its age counts from the first. `fields` are the ten columns
-- of CSV, or nothing where it never had them; `corrected` is what a person made of them, beside what was sent.
CREATE TABLE rejected_records (
    id                uuid PRIMARY KEY DEFAULT uuidv7(),
    authority_code    text NOT NULL REFERENCES authorities,
    record_key        bytea NOT NULL CHECK (octet_length(record_key) = 32),    -- what makes it the same from day to day
    content_hash      bytea NOT NULL CHECK (octet_length(content_hash) = 32),  -- whether it says the same, too
    flag_id           uuid REFERENCES flags,                                   -- a plan that is held, and that PDS contradicts
    state             text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'mended', 'accepted', 'not-sent', 'dismissed')),
    sensitive         boolean NOT NULL DEFAULT false,
    first_rejected_at timestamptz NOT NULL DEFAULT now(),
    last_rejected_at  timestamptz NOT NULL DEFAULT now(),
    times_seen        integer NOT NULL DEFAULT 1,
    last_extract_id   uuid REFERENCES extracts,
    line              integer NOT NULL DEFAULT 0,
    place             text NOT NULL DEFAULT '',
    field             text NOT NULL,
    code              text NOT NULL,
    reason            text NOT NULL,
    record            jsonb NOT NULL,
    fields            jsonb NOT NULL DEFAULT '[]',
    plan_id           text NOT NULL DEFAULT '',                                -- the authority's own, where its format has one
    adopted           boolean NOT NULL DEFAULT false,                          -- care ended by adoption
    corrected         jsonb NOT NULL DEFAULT '[]',
    corrected_key     bytea CHECK (octet_length(corrected_key) = 32),
    corrected_at      timestamptz,
    corrected_by      text,
    tried_field       text,                                                    -- what is wrong with the correction, where something is
    tried_code        text,
    tried_reason      text,
    closed_at         timestamptz,
    closed_by         text,
    close_reason      text,
    UNIQUE (authority_code, record_key),
    CHECK ((state = 'open') = (closed_at IS NULL)),
    CHECK ((corrected_key IS NULL) = (corrected_at IS NULL))
);
CREATE INDEX rejected_records_by_state ON rejected_records (authority_code, state, first_rejected_at);
CREATE INDEX rejected_records_by_correction ON rejected_records (authority_code, corrected_key) WHERE corrected_key IS NOT NULL;
CREATE INDEX rejected_records_by_flag ON rejected_records (flag_id) WHERE flag_id IS NOT NULL;

-- One line for one e-mail to an authority's data officers or to the operator; `period` makes it one, whatever restarts.
-- Its id is the Message-ID, and `facts` are counts and instants: nothing of a person is in it.
CREATE TABLE notices (
    id             uuid PRIMARY KEY DEFAULT uuidv7(),
    authority_code text NOT NULL REFERENCES authorities,
    audience       text NOT NULL CHECK (audience IN ('authority', 'operator')),
    kind           text NOT NULL CHECK (kind IN ('weekly', 'late', 'received-again')),
    period         text NOT NULL,
    facts          jsonb NOT NULL DEFAULT '{}',
    created_at     timestamptz NOT NULL DEFAULT now(),
    next_try_at    timestamptz NOT NULL DEFAULT now(),
    tries          integer NOT NULL DEFAULT 0,
    last_error     text,
    sent_at        timestamptz,
    UNIQUE (authority_code, audience, kind, period)
);
CREATE INDEX notices_to_send ON notices (next_try_at) WHERE sent_at IS NULL;

-- ── onboarding and agreements (safeguarding) ──────────────────────────────────────────────────────────────────────────────────

-- A site that is not live tells nobody; what it had before this release goes on.
ALTER TABLE sites ADD COLUMN state text NOT NULL DEFAULT 'live' CHECK (state IN ('setting-up', 'trial', 'live', 'paused'));

-- What a person has tried or compared, and with what: the phone that was rung, the counts that agreed. It holds for that value alone.
CREATE TABLE onboarding_checks (
    id         uuid PRIMARY KEY DEFAULT uuidv7(),
    party_kind text NOT NULL CHECK (party_kind IN ('authority', 'site')),
    party_code text NOT NULL,
    what       text NOT NULL CHECK (what IN ('office-phone', 'emergency-phone', 'safeguarding-phone', 'control-totals')),
    value      text NOT NULL,
    extract_id uuid REFERENCES extracts,
    checked_at timestamptz NOT NULL DEFAULT now(),
    checked_by text NOT NULL
);
CREATE INDEX onboarding_checks_by_party ON onboarding_checks (party_kind, party_code, what, checked_at DESC);

-- Somebody has asked for a step that a second person confirms; one at a time for a party.
CREATE TABLE state_requests (
    id           uuid PRIMARY KEY DEFAULT uuidv7(),
    party_kind   text NOT NULL CHECK (party_kind IN ('authority', 'site')),
    party_code   text NOT NULL,
    state        text NOT NULL CHECK (state IN ('setting-up', 'trial', 'live', 'paused')),
    asked_by     text NOT NULL,               -- the actor's id: whoever confirms has another
    asked_name   text NOT NULL,
    asked_at     timestamptz NOT NULL DEFAULT now(),
    decision     text CHECK (decision IN ('confirmed', 'withdrawn')),
    decided_name text,
    decided_at   timestamptz,
    CHECK ((decision IS NULL) = (decided_at IS NULL))
);
CREATE UNIQUE INDEX state_requests_open ON state_requests (party_kind, party_code) WHERE decision IS NULL;

-- Agreements: with an authority, or with an organisation for all its sites. `fields` are what may leave besides that somebody came.
CREATE TABLE agreements (
    id           uuid PRIMARY KEY DEFAULT uuidv7(),
    party_kind   text NOT NULL CHECK (party_kind IN ('authority', 'organisation')),
    party_code   text NOT NULL,
    title        text NOT NULL CHECK (title <> ''),
    controllers  text NOT NULL CHECK (controllers <> ''),
    processor    text NOT NULL CHECK (processor <> ''),
    purpose      text NOT NULL CHECK (purpose <> ''),
    lawful_basis text NOT NULL CHECK (lawful_basis <> ''),
    fields       text[] NOT NULL DEFAULT '{}',
    contact      text NOT NULL CHECK (contact <> ''),  -- for subject access requests
    starts       date NOT NULL,
    ends         date,                                 -- its last day; NULL: until it is ended
    recorded_at  timestamptz NOT NULL DEFAULT now(),
    recorded_by  text NOT NULL,
    ended_on     date,                                 -- its last day, where somebody ended it earlier
    ended_by     text,
    end_reason   text,
    CHECK (ends >= starts),
    CHECK ((ended_on IS NULL) = (ended_by IS NULL))
);
CREATE INDEX agreements_by_party ON agreements (party_kind, party_code);

-- The monthly sample (flags_store): open plans drawn at random, to be compared by hand with the authority's own system.
CREATE TABLE samples (
    id             uuid PRIMARY KEY DEFAULT uuidv7(),
    authority_code text NOT NULL REFERENCES authorities,
    month          date NOT NULL CHECK (extract(day FROM month) = 1),
    seed           bigint NOT NULL,                    -- by which the same plans would be drawn again from the same ones
    drawn_from     integer NOT NULL,
    drawn_at       timestamptz NOT NULL DEFAULT now(),
    drawn_by       text NOT NULL,
    UNIQUE (authority_code, month)
);
CREATE TABLE sample_records (
    sample_id uuid NOT NULL REFERENCES samples,
    position  smallint NOT NULL,
    flag_id   uuid NOT NULL REFERENCES flags,
    result    text CHECK (result IN ('right', 'wrong', 'not-found')),
    wrong     text NOT NULL DEFAULT '' CHECK ((result = 'wrong') = (wrong <> '')),
    note      text NOT NULL DEFAULT '',
    marked_at timestamptz,
    marked_by text,
    PRIMARY KEY (sample_id, position),
    UNIQUE (sample_id, flag_id),
    CHECK ((result IS NULL) = (marked_at IS NULL))
);

-- ── where children in care live; finding a child (flags_store) ────────────────────────────────────────────────────────────────

CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE INDEX persons_by_name ON persons USING gin (lower(given_name || ' ' || family_name) gin_trgm_ops);
CREATE INDEX flags_by_local_id ON flags (authority_code, local_id) WHERE local_id <> '';

-- Where an authority's children in care live, as it sends it: for its own people, and never part of any answer about a child.
CREATE TABLE placements (
    id               bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    authority_code   text NOT NULL REFERENCES authorities,
    extract_id       uuid NOT NULL REFERENCES extracts,
    local_id         text NOT NULL,                            -- the child, by the authority's own number; empty where it is not sent
    period_id        text NOT NULL,                            -- the period of care
    placement_id     text NOT NULL,
    placement_type   text NOT NULL,
    outward_postcode text NOT NULL CHECK (outward_postcode ~ '^([A-Z]{1,2}[0-9][A-Z0-9]?)?$'),  -- never more of an address
    distance_miles   numeric(6, 1) CHECK (distance_miles >= 0),
    started_on       date NOT NULL,
    ended_on         date
);
CREATE INDEX placements_by_authority ON placements (authority_code, local_id);

-- Which part of each postcode district lies in which authority: an operator loads it, and it replaces the one before.
CREATE TABLE postcode_districts (
    outward  text NOT NULL CHECK (outward ~ '^[A-Z]{1,2}[0-9][A-Z0-9]?$'),
    gss_code text NOT NULL CHECK (gss_code ~ '^[A-Z][0-9]{8}$'),
    share    real NOT NULL CHECK (share > 0 AND share <= 1),
    PRIMARY KEY (outward, gss_code)
);
CREATE TABLE postcode_directory (
    only_one  boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    name      text NOT NULL CHECK (name <> ''),
    loaded_at timestamptz NOT NULL
);
