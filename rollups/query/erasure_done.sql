-- Nothing of some erasures is left.
ALTER TABLE erasure DELETE WHERE erasure IN {erasures:Array(String)}
