"""A demo shop with 30 days of life: a seeded simulator whose events go the way that real ones go."""
