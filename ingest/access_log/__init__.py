"""Access logs: a web server's line as a hit, or the reason why it is no pageview. Pure; the importer does the I/O.

Enters: lines of a file. Leaves: hits, which go through admission like everything else. Promised: a line is a hit,
nothing (blank, a comment, half a record), or `Malformed`; nothing else is ever raised.
"""
