"""What every stage agrees on: events, pages, a client's address, sites and their published snapshot."""
