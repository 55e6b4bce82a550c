"""The words of the house: frozen values that every room shares, made of the standard library alone."""
