-- Sessions that start in the range, by device.
SELECT device, sum(sessions) AS count
FROM {rollup:device}
GROUP BY device
HAVING count > 0
