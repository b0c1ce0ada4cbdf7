-- Which of some sites still have rows in a table.
SELECT DISTINCT site
FROM {table:Identifier}
WHERE site IN {sites:Array(String)}
