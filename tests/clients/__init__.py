"""Clients that are generated from the OpenAPI document, run against a live stack."""
