-- In which life of the server a batch was decided; '' = before lives were told apart.
ALTER TABLE decision {on_cluster} ADD COLUMN IF NOT EXISTS life String
