"""The use cases that every door shares: a patient was seen, an extract arrived, an alert was answered."""
