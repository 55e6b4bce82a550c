"""The shape of the database, one numbered step after another; `runtime.migrate` walks them as the owner."""
