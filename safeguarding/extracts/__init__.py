"""An extract arrived: kept, read, matched, reconciled, applied; and what people then have to mend, release or settle."""
