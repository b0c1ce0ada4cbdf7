"""What every stage agrees on: the event, the page function, a site, the published snapshot of sites."""
