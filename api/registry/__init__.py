"""Accounts, API keys and sites: small, read on every request, written seldom.

Enters: changes by people. Leaves: one immutable row a revision in ClickHouse, which is the record, and the published
snapshot of sites in Redis. Promised: what was answered is stored; a secret is stored only as its hash; an id is never
used twice.
"""
