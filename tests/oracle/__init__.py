"""The independent batch model: what every answer must be, computed from the list of acknowledged events.

It sorts a visitor's events and cuts at gaps; it shares no code with `workers`, `rollups` or `api`.
"""
