-- What the users' own metrics mean, in their words; all series of a name have the same.

ALTER TABLE user_series ADD COLUMN help TEXT NOT NULL DEFAULT '';
