-- Run by `runtime.migrate` after every step, with the service role's name in place of {service}.
-- What is written once, the service may neither change nor remove: neither by the parent table nor by a partition.
GRANT USAGE ON SCHEMA public TO {service};
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO {service};
REVOKE UPDATE, DELETE, TRUNCATE ON accesses, audit_events, alert_events, attempts FROM {service};
-- A grant on all tables reaches the partitions too; take that back, one by one.
DO $$
DECLARE
    partition regclass;
BEGIN
    FOR partition IN SELECT c.oid::regclass FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid AND c.relkind = 'r' LOOP
        EXECUTE format('REVOKE ALL ON %s FROM %I', partition, '{service}');
    END LOOP;
END $$;
REVOKE INSERT, UPDATE, DELETE ON alembic_version FROM {service};
REVOKE UPDATE, DELETE ON store FROM {service};
REVOKE DELETE ON persons, person_aliases, newborn_links, flags, extracts, alerts, deliveries, authorities, organisations, sites FROM {service};
GRANT EXECUTE ON FUNCTION ensure_partitions(integer) TO {service};
