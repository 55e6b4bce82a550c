"""The description of these doors in OpenAPI, made from the tables by which they route and parse."""
