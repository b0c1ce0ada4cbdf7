-- Of some visitors those whose session reached over the cut in its site's last pass, and where it starts, ms.
SELECT site, row['visitor'] AS visitor, toInt64(row['start']) AS start
FROM kept
WHERE site IN {sites:Array(String)} AND rollup = {kind:String}
    AND (site, pass) IN (SELECT site, max(pass) FROM retained WHERE site IN {sites:Array(String)} GROUP BY site)
    AND row['visitor'] IN {visitors:Array(String)}
