-- What the users' own metrics mean, in their words; all series of a name have the same.

ALTER TABLE {schema}.user_series ADD COLUMN help text NOT NULL DEFAULT '';
