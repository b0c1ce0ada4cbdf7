"""Questions → JSON → dashboard page.

Enters: HTTP requests with a key or a session cookie. Leaves: the answers of the published API. Promised: one error
shape, no answer about a site that is not the caller's.
"""
