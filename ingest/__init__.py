"""HTTP request → event on the log.

Enters: what the tracking script, a backend or an import sends. Leaves: lines of `ingest.contract.event` on the log.
Promised: an event is acknowledged only after the log has written it durably; nothing is dropped uncounted.
"""
