"""AuditEvent: the 25 newest unscheduled accesses for everyone who may look, and the whole trail for registered auditors."""
