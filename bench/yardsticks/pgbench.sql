-- What the lookups and messages are measured against: one insert and one indexed select in one transaction, committed to disk.
-- `baseline` makes the tables; every statement is prepared, as the service's own are.
\set number random(1, 100000)
BEGIN;
INSERT INTO bench_looks (number) VALUES (:number);
SELECT kind, start_date FROM bench_flags WHERE number = :number;
COMMIT;
