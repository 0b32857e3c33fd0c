-- The schema is made by CREATE EXTENSION.  Nobody may use it unless granted.

COMMENT ON SCHEMA loyalty IS
	'A loyalty program''s points: members, accounts, the journal, and the calls that post to it.';
