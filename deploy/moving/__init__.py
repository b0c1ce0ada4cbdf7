"""One site on its way to another installation: a file of JSON lines that look like what the tracking endpoint takes."""
