"""Extracts: what an authority sends becomes records, is reconciled with what is held, and is written in one transaction."""
