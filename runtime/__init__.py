"""The ground that every process stands on: settings, logs, the database, Redis, the audit trail, who may come in."""
