-- Times are timestamptz in UTC, dates are calendar days in England. Keys are UUIDv7 or bigint, never an NHS number.
-- Which room owns which table stands in docs/architecture.md.

CREATE EXTENSION IF NOT EXISTS btree_gist;

-- ── the store itself ──────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE store (
    only_one   boolean PRIMARY KEY DEFAULT true CHECK (only_one),
    kind       text NOT NULL CHECK (kind IN ('test', 'production')),
    created_at timestamptz NOT NULL DEFAULT now()
);

-- ── who sends, who asks (flags_store, safeguarding) ───────────────────────────────────────────────────────────────

CREATE TABLE authorities (
    code            text PRIMARY KEY CHECK (code ~ '^[A-Za-z0-9]{2,12}$'),
    code_scheme     text NOT NULL DEFAULT 'dfe' CHECK (code_scheme IN ('ods', 'dfe', 'gss')),
    name            text NOT NULL CHECK (name <> ''),
    office_phone    text NOT NULL CHECK (office_phone <> ''),
    emergency_phone text NOT NULL CHECK (emergency_phone <> ''),
    alert_email     text,
    state           text NOT NULL DEFAULT 'setting-up' CHECK (state IN ('setting-up', 'trial', 'live', 'paused')),
    rhythm          interval NOT NULL DEFAULT '1 day' CHECK (rhythm > interval '0'),
    last_extracted_at timestamptz,
    added_at        timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE authority_hours (
    id             bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    authority_code text NOT NULL REFERENCES authorities ON DELETE CASCADE,
    weekday        smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),  -- ISO 8601: 1 is Monday
    opens          time NOT NULL,
    closes         time NOT NULL,
    CHECK (closes > opens),
    EXCLUDE USING gist (authority_code WITH =, weekday WITH =, tsrange(date '2000-01-01' + opens, date '2000-01-01' + closes) WITH &&)
);

CREATE TABLE organisations (
    ods_code text PRIMARY KEY CHECK (ods_code ~ '^[A-Z0-9]{3,10}$'),
    name     text NOT NULL CHECK (name <> '')
);

CREATE TABLE sites (
    ods_code            text PRIMARY KEY CHECK (ods_code ~ '^[A-Z0-9]{3,10}$'),
    organisation_code   text NOT NULL REFERENCES organisations,
    name                text NOT NULL CHECK (name <> ''),
    setting             text NOT NULL,
    host_authority_code text REFERENCES authorities,
    safeguarding_phone  text NOT NULL DEFAULT '',
    frame_ancestors     text[] NOT NULL DEFAULT '{}',
    lookups_alert       boolean NOT NULL DEFAULT false,  -- also where its own feed is live
    added_at            timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE care_setting_rules (
    id                  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    site                text NOT NULL REFERENCES sites ON DELETE CASCADE,
    position            integer NOT NULL,
    patient_classes     text[] NOT NULL DEFAULT '{}',
    admission_methods   text[] NOT NULL DEFAULT '{}',
    treatment_functions text[] NOT NULL DEFAULT '{}',
    location_prefix     text NOT NULL DEFAULT '',
    setting             text NOT NULL,
    UNIQUE (site, position)
);

CREATE TABLE peers (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    name    text NOT NULL CHECK (name <> ''),
    network cidr NOT NULL UNIQUE
);

CREATE TABLE peer_facilities (
    peer_id bigint NOT NULL REFERENCES peers ON DELETE CASCADE,
    site    text NOT NULL REFERENCES sites ON DELETE CASCADE,
    PRIMARY KEY (peer_id, site)
);

CREATE TABLE site_feeds (
    site            text PRIMARY KEY REFERENCES sites ON DELETE CASCADE,
    last_message_at timestamptz NOT NULL
);

-- ── flags (flags_store) ───────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE persons (
    id          uuid PRIMARY KEY DEFAULT uuidv7(),
    nhs_number  text NOT NULL UNIQUE CHECK (nhs_number ~ '^[0-9]{10}$'),
    given_name  text NOT NULL DEFAULT '',
    family_name text NOT NULL DEFAULT '',
    birth_date  date,
    sensitive   boolean NOT NULL DEFAULT false,
    added_at    timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE person_aliases (
    id          bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    person_id   uuid NOT NULL REFERENCES persons,
    facility    text NOT NULL DEFAULT '',  -- empty for an NHS number, else the facility that gave the local number
    value       text NOT NULL CHECK (value <> ''),
    relation    text NOT NULL CHECK (relation IN ('superseded', 'merged', 'local')),
    direction   text NOT NULL CHECK (direction IN ('prior', 'successor', 'same')),  -- what the value is to the person's number
    source      text NOT NULL,
    recorded_at timestamptz NOT NULL DEFAULT now(),
    ended_at    timestamptz,
    CHECK ((facility = '') = (relation <> 'local')),
    CHECK (ended_at IS NULL OR ended_at >= recorded_at)
);
CREATE UNIQUE INDEX person_aliases_current ON person_aliases (value, facility, person_id) WHERE ended_at IS NULL;

CREATE TABLE extracts (
    id             uuid PRIMARY KEY DEFAULT uuidv7(),
    authority_code text NOT NULL REFERENCES authorities,
    content_hash   bytea NOT NULL CHECK (octet_length(content_hash) = 32),
    state          text NOT NULL DEFAULT 'loading' CHECK (state IN ('loading', 'loaded', 'nothing-loaded', 'interrupted')),
    extracted_at   timestamptz NOT NULL,
    received_at    timestamptz NOT NULL DEFAULT now(),
    completed_at   timestamptz,
    sensitive      boolean NOT NULL DEFAULT false,
    sent_by        text NOT NULL,
    records        integer NOT NULL DEFAULT 0,
    opened         integer NOT NULL DEFAULT 0,
    amended        integer NOT NULL DEFAULT 0,
    ended          integer NOT NULL DEFAULT 0,
    deleted        integer NOT NULL DEFAULT 0,
    unchanged      integer NOT NULL DEFAULT 0,
    rejected       integer NOT NULL DEFAULT 0,
    persons_done   integer NOT NULL DEFAULT 0,      -- persons, by number, that a load has behind it: an interrupted one goes on from there
    claimed_by     uuid,                            -- the load that is at work, while its lease runs
    lease_until    timestamptz,
    sweep_due      boolean NOT NULL DEFAULT false,  -- set, and sweep_horizon cleared, with every part that is applied
    sweep_horizon  xid8,
    CHECK ((state = 'loading') = (completed_at IS NULL)),
    CHECK ((claimed_by IS NULL) = (lease_until IS NULL))
);
CREATE UNIQUE INDEX extracts_once ON extracts (authority_code, content_hash, extracted_at) WHERE state <> 'interrupted';
CREATE UNIQUE INDEX extracts_one_loading ON extracts (authority_code) WHERE state = 'loading';
CREATE INDEX extracts_to_sweep ON extracts (id) WHERE sweep_due;
CREATE INDEX extracts_by_authority ON extracts (authority_code, received_at DESC);

CREATE TABLE extract_rejects (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    extract_id uuid NOT NULL REFERENCES extracts,
    line       integer NOT NULL CHECK (line > 0),
    field      text NOT NULL,
    code       text NOT NULL,
    reason     text NOT NULL,
    record     jsonb NOT NULL,
    UNIQUE (extract_id, line)
);

CREATE TABLE flags (
    id                     uuid PRIMARY KEY DEFAULT uuidv7(),
    person_id              uuid NOT NULL REFERENCES persons,
    authority_code         text NOT NULL REFERENCES authorities,
    kind                   text NOT NULL CHECK (kind IN ('CPP', 'LAC', 'UCPP')),
    start_date             date NOT NULL,
    end_date               date,
    deleted_on             date,
    expected_delivery_date date,
    local_id               text NOT NULL DEFAULT '',
    last_extract_id        uuid NOT NULL REFERENCES extracts,
    last_confirmed_at      timestamptz NOT NULL,
    opened_at              timestamptz NOT NULL DEFAULT now(),
    CHECK (end_date IS NULL OR end_date >= start_date),
    CHECK (kind = 'UCPP' OR expected_delivery_date IS NULL),
    UNIQUE (person_id, authority_code, kind, start_date),
    -- A plan may begin on the day on which the one before it ended.
    EXCLUDE USING gist (person_id WITH =, authority_code WITH =, kind WITH =, daterange(start_date, end_date) WITH &&)
        WHERE (deleted_on IS NULL)
) WITH (fillfactor = 80);  -- every extract confirms every flag: there is room for it on the same page
CREATE INDEX flags_by_person ON flags (person_id) WHERE deleted_on IS NULL;
CREATE INDEX flags_by_authority ON flags (authority_code);

-- ── encounters and messages (safeguarding) ────────────────────────────────────────────────────────────────────────

CREATE TABLE encounters (
    id               uuid PRIMARY KEY DEFAULT uuidv7(),
    site             text NOT NULL REFERENCES sites,
    encounter_key    text NOT NULL,
    reference        text NOT NULL DEFAULT '',
    nhs_number       text CHECK (nhs_number ~ '^[0-9]{10}$'),
    local_number     text,
    care_setting     text NOT NULL,
    unscheduled      boolean NOT NULL,
    state            text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'closed', 'cancelled', 'expired')),
    arrived_at       timestamptz NOT NULL,
    departed_at      timestamptz,
    left_before_seen boolean NOT NULL DEFAULT false,
    test             boolean NOT NULL DEFAULT false,
    flagged          boolean NOT NULL DEFAULT false,
    could_not_check  text,
    cautions         text NOT NULL DEFAULT '',  -- what the last message said beside the number, comma between
    last_event_at    timestamptz NOT NULL,
    version          integer NOT NULL DEFAULT 1,
    recorded_at      timestamptz NOT NULL DEFAULT now(),
    UNIQUE (site, encounter_key)
);
CREATE INDEX encounters_open_by_number ON encounters (nhs_number) WHERE state = 'open';
CREATE INDEX encounters_by_local_number ON encounters (site, local_number) WHERE local_number IS NOT NULL;
CREATE INDEX encounters_not_flagged_ended ON encounters (departed_at) WHERE NOT flagged AND state <> 'open';

CREATE TABLE inbox (
    sending_facility    text NOT NULL,
    sending_application text NOT NULL,
    control_id          text NOT NULL,
    content_hash        bytea NOT NULL,
    received_at         timestamptz NOT NULL DEFAULT now(),
    encounter_id        uuid,
    outcome             text NOT NULL,
    acknowledgement     bytea NOT NULL,
    PRIMARY KEY (sending_facility, control_id, sending_application, content_hash)
);
CREATE INDEX inbox_by_time ON inbox USING brin (received_at);

CREATE TABLE quarantine (
    id               uuid PRIMARY KEY DEFAULT uuidv7(),
    received_at      timestamptz NOT NULL DEFAULT now(),
    peer             text NOT NULL,
    sending_facility text NOT NULL,
    control_id       text NOT NULL,
    reason           text NOT NULL,
    error_code       text NOT NULL,
    raw              bytea NOT NULL,
    content_hash     bytea NOT NULL,
    acknowledgement  bytea NOT NULL,
    state            text NOT NULL DEFAULT 'held' CHECK (state IN ('held', 'replayed', 'discarded')),
    decided_at       timestamptz,
    decided_by       text,
    CHECK ((state = 'held') = (decided_at IS NULL))
);
CREATE UNIQUE INDEX quarantine_held_once ON quarantine (content_hash) WHERE state = 'held';
CREATE INDEX quarantine_by_time ON quarantine (received_at);

-- ── alerts (alerts) ───────────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE alerts (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    encounter_id    uuid NOT NULL REFERENCES encounters,
    authority_code  text NOT NULL REFERENCES authorities,
    person_id       uuid NOT NULL REFERENCES persons,
    reason          text NOT NULL CHECK (reason IN ('attendance', 'late-flag', 'late-identity')),
    state           text NOT NULL DEFAULT 'raised' CHECK (state IN ('raised', 'acknowledged', 'retracted', 'closed')),
    raised_at       timestamptz NOT NULL,
    changed_at      timestamptz NOT NULL,
    acknowledged_at timestamptz,
    acknowledged_by text,
    answer          text CHECK (answer IN ('known', 'will-ring', 'will-attend', 'speak-first', 'no-action', 'wrong-child')),
    answer_text     text NOT NULL DEFAULT '' CHECK (length(answer_text) <= 500),
    UNIQUE (encounter_id, authority_code, person_id),
    CHECK ((acknowledged_at IS NULL) = (acknowledged_by IS NULL AND answer IS NULL)),
    CHECK (state <> 'acknowledged' OR acknowledged_at IS NOT NULL)
);
CREATE INDEX alerts_by_authority ON alerts (authority_code, state, raised_at);
CREATE INDEX alerts_by_change ON alerts (authority_code, changed_at);

CREATE TABLE deliveries (
    id              uuid PRIMARY KEY DEFAULT uuidv7(),
    alert_id        uuid NOT NULL REFERENCES alerts,
    notice          text NOT NULL DEFAULT 'raised',
    channel         text NOT NULL CHECK (channel IN ('screen', 'email')),
    recipient       text NOT NULL CHECK (recipient <> ''),
    state           text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'sent', 'delivered')),
    created_at      timestamptz NOT NULL DEFAULT now(),
    next_attempt_at timestamptz NOT NULL DEFAULT now(),
    lease_until     timestamptz,
    claimed_by      text,
    attempts        integer NOT NULL DEFAULT 0,
    sent_at         timestamptz,
    delivered_at    timestamptz,
    UNIQUE (alert_id, notice, channel, recipient),
    CHECK ((state = 'pending') = (sent_at IS NULL))
);
CREATE INDEX deliveries_due ON deliveries (next_attempt_at) WHERE state = 'pending';

-- ── who may come in, who is alive (runtime) ───────────────────────────────────────────────────────────────────────

CREATE TABLE clients (
    id                text PRIMARY KEY CHECK (id ~ '^[A-Za-z0-9._-]{3,64}$'),
    organisation_code text NOT NULL REFERENCES organisations,
    scopes            text[] NOT NULL CHECK (cardinality(scopes) > 0),
    care              text NOT NULL DEFAULT 'both' CHECK (care IN ('scheduled', 'unscheduled', 'both')),
    added_at          timestamptz NOT NULL DEFAULT now(),
    disabled_at       timestamptz
);

CREATE TABLE sessions (
    id_hash      bytea PRIMARY KEY,
    subject      text NOT NULL,
    name         text NOT NULL,
    role         text NOT NULL,
    organisation text NOT NULL,
    csrf         text NOT NULL,
    started_at   timestamptz NOT NULL DEFAULT now(),
    expires_at   timestamptz NOT NULL,
    ended_at     timestamptz
);

CREATE TABLE heartbeats (
    process  text NOT NULL,
    instance text NOT NULL,
    beat_at  timestamptz NOT NULL,
    PRIMARY KEY (process, instance)
);

-- ── written once, never changed: partitioned by month ─────────────────────────────────────────────────────────────

CREATE TABLE accesses (
    id            uuid NOT NULL DEFAULT uuidv7(),
    occurred_at   timestamptz NOT NULL,
    person_id     uuid,
    number_hash   bytea,
    actor_kind    text NOT NULL,
    actor_id      text NOT NULL,
    actor_name    text NOT NULL,
    actor_role    text NOT NULL,
    organisation  text NOT NULL,
    purpose       text NOT NULL,
    trigger_event text NOT NULL,
    care_setting  text NOT NULL,
    in_history    boolean NOT NULL,
    encounter_id  uuid,
    outcome       text NOT NULL CHECK (outcome IN ('flagged', 'none-known', 'could-not-check')),
    request_id    text,
    PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX accesses_by_person ON accesses (person_id, occurred_at DESC) WHERE person_id IS NOT NULL;

CREATE TABLE audit_events (
    id           uuid NOT NULL DEFAULT uuidv7(),
    occurred_at  timestamptz NOT NULL DEFAULT now(),
    actor_kind   text NOT NULL,
    actor_id     text NOT NULL,
    actor_name   text NOT NULL,
    actor_role   text NOT NULL,
    organisation text NOT NULL,
    action       text NOT NULL,
    subject_type text NOT NULL,
    subject_id   text NOT NULL,
    detail       jsonb NOT NULL DEFAULT '{}',
    PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX audit_events_by_subject ON audit_events (subject_type, subject_id, occurred_at DESC);

CREATE TABLE alert_events (
    id          uuid NOT NULL DEFAULT uuidv7(),
    occurred_at timestamptz NOT NULL,
    alert_id    uuid NOT NULL,
    event       text NOT NULL,
    state_after text NOT NULL,
    actor_name  text NOT NULL,
    answer      text,
    answer_text text NOT NULL DEFAULT '',
    PRIMARY KEY (id, occurred_at)
) PARTITION BY RANGE (occurred_at);
CREATE INDEX alert_events_by_alert ON alert_events (alert_id, occurred_at);

CREATE TABLE attempts (
    id           uuid NOT NULL DEFAULT uuidv7(),
    attempted_at timestamptz NOT NULL,
    delivery_id  uuid NOT NULL,
    number       integer NOT NULL,
    outcome      text NOT NULL CHECK (outcome IN ('sent', 'delivered', 'temporary-failure', 'permanent-failure')),
    detail       text NOT NULL DEFAULT '',
    PRIMARY KEY (id, attempted_at)
) PARTITION BY RANGE (attempted_at);
CREATE INDEX attempts_by_delivery ON attempts (delivery_id, attempted_at);

-- A month's partition is made ahead of its time; the default one only makes sure that a look is never refused for want of it.
CREATE TABLE accesses_default     PARTITION OF accesses DEFAULT;
CREATE TABLE audit_events_default PARTITION OF audit_events DEFAULT;
CREATE TABLE alert_events_default PARTITION OF alert_events DEFAULT;
CREATE TABLE attempts_default     PARTITION OF attempts DEFAULT;

CREATE FUNCTION ensure_partitions(months_ahead integer) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET timezone = 'UTC' AS $$
DECLARE
    parent text;
    month  timestamptz;
    name   text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['accesses', 'audit_events', 'alert_events', 'attempts'] LOOP
        FOR ahead IN 0..months_ahead LOOP
            month := date_trunc('month', now()) + make_interval(months => ahead);
            name := format('%s_%s', parent, to_char(month, 'YYYY_MM'));
            IF to_regclass(name) IS NULL THEN
                EXECUTE format('CREATE TABLE %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                               name, parent, month, month + interval '1 month');
            END IF;
        END LOOP;
    END LOOP;
END $$;
REVOKE ALL ON FUNCTION ensure_partitions(integer) FROM PUBLIC;
SELECT ensure_partitions(12);
