-- Telling people. A section each for who owns it: docs/architecture.md says which room that is.

-- ── who is told, and when (alerts) ────────────────────────────────────────────────────────────────────────────────────────────

-- An authority that sets nothing has the office team, in its office hours, and the emergency duty team at all others.
CREATE TABLE teams (
    id             uuid PRIMARY KEY DEFAULT uuidv7(),
    authority_code text NOT NULL REFERENCES authorities,
    code           text NOT NULL CHECK (code ~ '^[a-z0-9-]{1,30}$'),
    name           text NOT NULL CHECK (name <> '' AND length(name) <= 80),
    phone          text NOT NULL DEFAULT '',     -- empty: the authority's own phone of that kind
    duty           text NOT NULL CHECK (duty IN ('office', 'outside-office', 'always', 'own')),
    deputy_code    text,                         -- next in line when nobody else is; checked when it is used
    removed_at     timestamptz
);
CREATE UNIQUE INDEX teams_by_code ON teams (authority_code, code) WHERE removed_at IS NULL;

CREATE TABLE team_hours (
    id      bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id uuid NOT NULL REFERENCES teams,
    weekday smallint NOT NULL CHECK (weekday BETWEEN 1 AND 7),  -- ISO 8601: 1 is Monday
    opens   time NOT NULL,
    closes  time NOT NULL,
    CHECK (closes > opens),
    EXCLUDE USING gist (team_id WITH =, weekday WITH =, tsrange(date '2000-01-01' + opens, date '2000-01-01' + closes) WITH &&)
);

CREATE TABLE team_contacts (
    id            bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    team_id       uuid NOT NULL REFERENCES teams,
    position      integer NOT NULL,
    channel       text NOT NULL CHECK (channel IN ('email', 'notify-email', 'sms', 'webhook')),
    address       text NOT NULL CHECK (address <> ''),
    after_minutes integer CHECK (after_minutes BETWEEN 1 AND 1440),  -- only where none before it got through by then
    UNIQUE (team_id, position),
    UNIQUE (team_id, channel, address)
);

CREATE TABLE team_covers (
    id             uuid PRIMARY KEY DEFAULT uuidv7(),
    authority_code text NOT NULL REFERENCES authorities,
    team_code      text NOT NULL,
    deputy_code    text NOT NULL CHECK (deputy_code <> team_code),
    starts_at      timestamptz NOT NULL,
    ends_at        timestamptz NOT NULL CHECK (ends_at > starts_at),
    set_by         text NOT NULL,
    ended_at       timestamptz
);
CREATE INDEX team_covers_by_authority ON team_covers (authority_code, ends_at);

CREATE TABLE closed_days (
    authority_code text NOT NULL REFERENCES authorities,
    day            date NOT NULL,
    reason         text NOT NULL,
    PRIMARY KEY (authority_code, day)
);

CREATE TABLE routing_rules (
    id             uuid PRIMARY KEY DEFAULT uuidv7(),
    authority_code text NOT NULL REFERENCES authorities,
    position       integer NOT NULL,
    name           text NOT NULL CHECK (name <> '' AND length(name) <= 120),
    kinds          text[] NOT NULL DEFAULT '{}',
    care_settings  text[] NOT NULL DEFAULT '{}',
    occasions      text[] NOT NULL DEFAULT '{}',
    during         text NOT NULL DEFAULT 'always' CHECK (during IN ('office', 'outside-office', 'always')),
    weekdays       smallint[] NOT NULL DEFAULT '{}',
    opens          time,
    closes         time,
    UNIQUE (authority_code, position) DEFERRABLE INITIALLY IMMEDIATE,
    CHECK ((opens IS NULL) = (closes IS NULL))
);
CREATE TABLE routing_steps (
    rule_id   uuid NOT NULL REFERENCES routing_rules ON DELETE CASCADE,
    place     integer NOT NULL,
    team_code text NOT NULL,
    minutes   integer NOT NULL CHECK (minutes BETWEEN 1 AND 10080),  -- of the team's duty, to acknowledge in
    PRIMARY KEY (rule_id, place)
);

-- Which team a member of staff works in, as they have chosen on the worklist.
CREATE TABLE team_members (
    actor_id       text NOT NULL,
    authority_code text NOT NULL REFERENCES authorities,
    team_code      text NOT NULL,
    chosen_at      timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (actor_id, authority_code)
);

-- ── an alert in line, its thread, who deals with it (alerts) ──────────────────────────────────────────────────────────────────

ALTER TABLE alerts
    ADD COLUMN thread_id     uuid,                                  -- the first alert about this child in a short time
    ADD COLUMN occasion      text NOT NULL DEFAULT 'attendance' CHECK (occasion IN ('attendance', 'left-before-seen', 'cancelled', 'asked')),
    ADD COLUMN began_at      timestamptz,                           -- when its occasion began: this chooses the rule
    ADD COLUMN rule          text NOT NULL DEFAULT '',
    ADD COLUMN team_code     text NOT NULL DEFAULT 'office',        -- who is to acknowledge it now
    ADD COLUMN covered       text NOT NULL DEFAULT '',              -- the team for which that one stands in, if it does
    ADD COLUMN notice        text NOT NULL DEFAULT 'raised',        -- as what that team was told: its deliveries have the same
    ADD COLUMN step          integer NOT NULL DEFAULT 0,
    ADD COLUMN step_at       timestamptz,                           -- when it came to this team
    ADD COLUMN next_step_at  timestamptz,                           -- when somebody must look whether anybody was told, or has acknowledged;
                                                                    -- NULL while nobody has acknowledged: nobody is left to tell
    ADD COLUMN taken_by_id   text,
    ADD COLUMN taken_by      text,
    ADD COLUMN taken_at      timestamptz,
    ADD CHECK ((taken_at IS NULL) = (taken_by IS NULL AND taken_by_id IS NULL));
UPDATE alerts
SET thread_id = id, began_at = raised_at, step_at = raised_at,
    next_step_at = CASE WHEN state IN ('raised', 'retracted') THEN now() END;
ALTER TABLE alerts
    ALTER COLUMN thread_id SET NOT NULL,
    ALTER COLUMN began_at SET NOT NULL,
    ALTER COLUMN step_at SET NOT NULL;
CREATE INDEX alerts_in_line ON alerts (next_step_at) WHERE state IN ('raised', 'retracted');  -- all that nobody has acknowledged
CREATE INDEX alerts_by_person ON alerts (person_id, authority_code, raised_at DESC);
CREATE INDEX alerts_by_thread ON alerts (thread_id);

-- What people wrote is in the history of the alert: the coded answer or reply, and the text that stays on signed-in pages.
ALTER TABLE alert_events
    ADD COLUMN actor_id     text NOT NULL DEFAULT '',
    ADD COLUMN actor_role   text NOT NULL DEFAULT '',
    ADD COLUMN organisation text NOT NULL DEFAULT '',
    ADD COLUMN team         text NOT NULL DEFAULT '';

-- ── deliveries (alerts) ───────────────────────────────────────────────────────────────────────────────────────────────────────

ALTER TABLE deliveries
    ADD COLUMN team   text NOT NULL DEFAULT '',                -- whose contact it is; empty for screens and systems
    ADD COLUMN step   integer NOT NULL DEFAULT 0,
    ADD COLUMN due_at timestamptz NOT NULL DEFAULT now(),      -- people are told when they are on duty: not late before that
    ADD COLUMN claims integer NOT NULL DEFAULT 0,              -- more than one: somebody may have been told already
    ADD COLUMN receipt_id text,                                -- what the receiving service calls it
    ADD COLUMN bundled_with uuid REFERENCES deliveries,        -- whose letter tells of it: its own where it leads the bundle
    DROP CONSTRAINT deliveries_channel_check,
    ADD CONSTRAINT deliveries_channel_check
        CHECK (channel IN ('screen', 'email', 'hl7', 'subscription', 'mesh', 'notify-email', 'sms', 'webhook'));
UPDATE deliveries SET due_at = created_at;
CREATE INDEX deliveries_by_receipt ON deliveries (receipt_id) WHERE receipt_id IS NOT NULL;
CREATE INDEX deliveries_due_to ON deliveries (channel, recipient, next_attempt_at) WHERE state = 'pending';
CREATE INDEX deliveries_bundled ON deliveries (bundled_with) WHERE bundled_with IS NOT NULL;
CREATE INDEX deliveries_open_bundles ON deliveries (channel, recipient, next_attempt_at)
    WHERE state = 'pending' AND claims = 0 AND bundled_with = id;
DROP INDEX deliveries_due;
CREATE INDEX deliveries_due ON deliveries (channel, next_attempt_at) WHERE state = 'pending';  -- what waits for one holds up no other

-- What each dispatcher says of hosts that do not answer; it acts on what it knows itself.
CREATE TABLE hosts_left_alone (
    channel    text NOT NULL,
    host       text NOT NULL,              -- empty where the channel has one host
    dispatcher text NOT NULL,
    since      timestamptz NOT NULL,
    tries_at   timestamptz NOT NULL,
    said_at    timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (channel, host, dispatcher)
);

-- ── webhooks (alerts) ─────────────────────────────────────────────────────────────────────────────────────────────────────────

-- The secret is never kept: it follows from the service's own key, the id and how often it was renewed.
CREATE TABLE webhooks (
    id             uuid PRIMARY KEY DEFAULT uuidv7(),
    authority_code text NOT NULL REFERENCES authorities,
    name           text NOT NULL CHECK (name <> '' AND length(name) <= 80),
    url            text NOT NULL,
    added_at       timestamptz NOT NULL DEFAULT now(),
    added_by       text NOT NULL,
    renewals       integer NOT NULL DEFAULT 0,
    renewed_at     timestamptz,
    disabled_at    timestamptz
);
CREATE INDEX webhooks_by_authority ON webhooks (authority_code);
CREATE INDEX deliveries_to_webhooks ON deliveries (recipient, delivered_at) WHERE channel = 'webhook' AND state = 'delivered';

-- ── identity incidents (safeguarding) ─────────────────────────────────────────────────────────────────────────────────────────

CREATE TABLE identity_incidents (
    id             uuid PRIMARY KEY DEFAULT uuidv7(),
    alert_id       uuid NOT NULL REFERENCES alerts,
    encounter_id   uuid NOT NULL REFERENCES encounters,
    person_id      uuid NOT NULL REFERENCES persons,
    authority_code text NOT NULL REFERENCES authorities,
    opened_at      timestamptz NOT NULL,
    opened_by      text NOT NULL,
    opened_by_role text NOT NULL,
    words          text NOT NULL DEFAULT '' CHECK (length(words) <= 500),
    state          text NOT NULL DEFAULT 'open' CHECK (state IN ('open', 'settled')),
    outcome        text CHECK (outcome IN ('right-child', 'wrong-number-at-hospital', 'wrong-number-at-authority')),
    settled_at     timestamptz,
    settled_by     text,
    settled_words  text NOT NULL DEFAULT '' CHECK (length(settled_words) <= 500),
    CHECK ((state = 'settled') = (settled_at IS NOT NULL AND settled_by IS NOT NULL AND outcome IS NOT NULL))
);
CREATE UNIQUE INDEX identity_incidents_open ON identity_incidents (alert_id) WHERE state = 'open';
CREATE INDEX identity_incidents_by_encounter ON identity_incidents (encounter_id);
CREATE INDEX identity_incidents_by_authority ON identity_incidents (authority_code, state);

-- ── how the child came, and what happened next (safeguarding) ─────────────────────────────────────────────────────────────────

ALTER TABLE encounters
    ADD COLUMN arrival_mode text NOT NULL DEFAULT '',     -- PV2-38, HL7 table 0430; empty: nobody has said
    ADD COLUMN stood_at     timestamptz;                  -- the sender's last word on whether the patient is there

-- The operator is told before an agreement with whomever ends: such a notice is about no one authority.
ALTER TABLE notices
    ALTER COLUMN authority_code DROP NOT NULL,
    DROP CONSTRAINT notices_authority_code_audience_kind_period_key,
    ADD CONSTRAINT notices_once UNIQUE NULLS NOT DISTINCT (authority_code, audience, kind, period),
    DROP CONSTRAINT notices_kind_check,
    ADD CONSTRAINT notices_kind_check CHECK (kind IN ('weekly', 'late', 'received-again', 'agreement'));
