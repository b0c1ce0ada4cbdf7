"""Events of the log → sessions → rows in ClickHouse, each batch counted once.

Enters: records of the event log, a partition at a time. Leaves: event rows, signed session rows, markers, dead letters.
Promised: a crash, a retry, a zombie or a lost Redis never shows in the numbers, and neither does the order of arrival,
at any distance. `memory`, `visitor`, `bucket`, `rows` and `fold` are pure; `back` reads back what no state remembers;
`state` is the cache in Redis, `names` bounds the values a day; `ahead` prepares a batch during the one before;
`batch` is the one function of five steps that gives the guarantee; `take` finds out where a partition stands; `loop`
runs them.
"""
