-- Events received in the range, by what became of them; reason '' = counted.
SELECT reason, sum(events) AS events
FROM {rollup:ledger}
GROUP BY reason
HAVING events > 0
ORDER BY reason
