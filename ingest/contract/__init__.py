"""What every stage agrees on: the event, the page function, a site and its settings, the published snapshot of sites."""
