-- Take all rows of some sites out of a table; the parts that hold them are written anew in the background.
ALTER TABLE {table:Identifier} DELETE WHERE site IN {sites:Array(String)}
