"""Telling people: alerts, their deliveries, the channels, and who is on duty at this hour."""
