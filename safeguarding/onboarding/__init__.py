"""Onboarding: how an authority and a site get from setting up to live, step by step, and the agreements that they stand on."""
