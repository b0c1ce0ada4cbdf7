-- Complete, they get their names: from here on workers of this version decide.
RENAME TABLE IF EXISTS progress_new TO progress, IF EXISTS decision_new TO decision {on_cluster}
