"""CDS Hooks: an EHR asks when a record is opened or an encounter begins, and shows the card that comes back."""
