"""A real Chromium: the tracking script on pages of a test site, and the dashboard, both against a whole stack."""
