-- Views to insert into, one for each call, with its parameters as columns: INSERT,
-- INSERT ... SELECT and COPY post; SELECT and RETURNING show what was posted.

CREATE VIEW loyalty.entries AS
	SELECT m.key AS member, p.code AS program, e.*
	FROM loyalty.entry e
		JOIN loyalty.account a ON a.id = e.account_id
		JOIN loyalty.member m ON m.id = a.member_id
		JOIN loyalty.program p ON p.id = a.program_id;
COMMENT ON VIEW loyalty.entries IS 'The journal with the names of member and program.';

CREATE FUNCTION loyalty.set_trigger() RETURNS trigger
	AS 'MODULE_PATHNAME', 'set_trigger' LANGUAGE c;
CREATE FUNCTION loyalty.set_refuse() RETURNS trigger
	AS 'MODULE_PATHNAME', 'set_refuse' LANGUAGE c;
CREATE FUNCTION loyalty.not_posted() RETURNS boolean
	AS 'MODULE_PATHNAME', 'set_not_posted' LANGUAGE c IMMUTABLE PARALLEL SAFE;
COMMENT ON FUNCTION loyalty.not_posted() IS
	'Default of the column repeat in the views to insert into. Being in the library, it has it loaded before a statement runs.';

CREATE VIEW loyalty.enrollments AS
	SELECT e.member, e.program, e.at, m.joined_on AS joined_on, m.birthday AS birthday, m.attributes AS attributes, m.tags AS tags, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e JOIN loyalty.account a ON a.id = e.account_id JOIN loyalty.member m ON m.id = a.member_id
	WHERE e.kind OPERATOR(loyalty.=) 'enroll';
COMMENT ON VIEW loyalty.enrollments IS 'Insert to enroll: columns as the parameters of loyalty.enroll; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.purchases AS
	SELECT e.member, e.amount, e.ref, e.lines, e.channel, e.store, e.attributes, e.at, e.program, e.brand, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'earn';
COMMENT ON VIEW loyalty.purchases IS 'Insert to purchase: columns as the parameters of loyalty.purchase; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.awards AS
	SELECT e.member, e.computed AS points, e.ref, e.reason, e.expires_on, (e.expiry IS NOT NULL) AS pending, e.at, e.program, e.attributes, e.channel, e.store, e.brand, (e.qualifying IS NULL) AS qualifies, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'award';
COMMENT ON VIEW loyalty.awards IS 'Insert to award: columns as the parameters of loyalty.award; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.confirmations AS
	SELECT e.member, e.of_ref AS ref, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'confirm';
COMMENT ON VIEW loyalty.confirmations IS 'Insert to confirm: columns as the parameters of loyalty.confirm; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.spends AS
	SELECT e.member, loyalty.total(e.taken) AS points, e.ref, e.reason, e.at, e.program, e.attributes, e.channel, e.store, e.brand, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'spend';
COMMENT ON VIEW loyalty.spends IS 'Insert to spend: columns as the parameters of loyalty.spend; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.holds AS
	SELECT e.member, loyalty.total(e.taken) AS points, e.ref, e.until, e.at, e.program, e.reason, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'hold';
COMMENT ON VIEW loyalty.holds IS 'Insert to hold: columns as the parameters of loyalty.hold; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.captures AS
	SELECT e.member, e.of_ref AS ref, loyalty.total(e.source) AS points, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'capture';
COMMENT ON VIEW loyalty.captures IS 'Insert to capture: columns as the parameters of loyalty.capture; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.releases AS
	SELECT e.member, e.of_ref AS ref, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat, (e.fingerprint IS NULL) AS lapsed
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'release';
COMMENT ON VIEW loyalty.releases IS 'Insert to release: columns as the parameters of loyalty.release; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.refunds AS
	SELECT e.member, e.of_ref, e.ref, e.amount, e.lines, e.at, e.program, e.reason, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'refund';
COMMENT ON VIEW loyalty.refunds IS 'Insert to refund: columns as the parameters of loyalty.refund; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.cancellations AS
	SELECT e.member, e.of_ref, e.ref, loyalty.total(e.source) AS points, e.at, e.program, e.reason, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'cancel';
COMMENT ON VIEW loyalty.cancellations IS 'Insert to cancel: columns as the parameters of loyalty.cancel; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.adjustments AS
	SELECT e.member, e.points, e.ref, e.reason, (e.owed IS NOT NULL) AS allow_debt, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'adjust';
COMMENT ON VIEW loyalty.adjustments IS 'Insert to adjust: columns as the parameters of loyalty.adjust; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.extensions AS
	SELECT e.member, e.expires_on AS "to", e.ref, e.reason, e.expiring_on, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'extend';
COMMENT ON VIEW loyalty.extensions IS 'Insert to extend: columns as the parameters of loyalty.extend; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.reinstatements AS
	SELECT e.member, loyalty.total(e.source) AS points, e.expires_on AS "to", e.ref, e.reason, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'reinstate';
COMMENT ON VIEW loyalty.reinstatements IS 'Insert to reinstate: columns as the parameters of loyalty.reinstate; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.transfers AS
	SELECT e.member, m.key AS to_member, (loyalty.total(e.taken) - coalesce(e.fee, 0)) AS points, e.ref, e.reason, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e JOIN loyalty.account a ON a.id = e.counterparty_id JOIN loyalty.member m ON m.id = a.member_id
	WHERE e.kind OPERATOR(loyalty.=) 'transfer_out';
COMMENT ON VIEW loyalty.transfers IS 'Insert to transfer: columns as the parameters of loyalty.transfer; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.renames AS
	SELECT e.member, NULL::text AS to_member, e.ref, e.reason, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'rename' AND e.ref IS NOT NULL;
COMMENT ON VIEW loyalty.renames IS 'Insert to rename_member: columns as the parameters of loyalty.rename_member; account, entry, change (of the balance), balance, usable and repeat show the result. The keys are not kept: member is the present one.';

CREATE VIEW loyalty.freezes AS
	SELECT e.member, e.mode, e.ref, e.reason, e.until, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'freeze';
COMMENT ON VIEW loyalty.freezes IS 'Insert to freeze: columns as the parameters of loyalty.freeze; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.unfreezes AS
	SELECT e.member, e.ref, e.reason, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'unfreeze';
COMMENT ON VIEW loyalty.unfreezes IS 'Insert to unfreeze: columns as the parameters of loyalty.unfreeze; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.activities AS
	SELECT e.member, e.activity, e.ref, e.attributes, e.channel, e.at, e.program, e.store, e.brand, e.amount, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'activity';
COMMENT ON VIEW loyalty.activities IS 'Insert to activity: columns as the parameters of loyalty.activity; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.tier_grants AS
	SELECT e.member, e.tier_grant AS tier, e.ends_on AS until, e.ref, e.reason, e.at, e.program, e.starts_on AS "from", e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'grant';
COMMENT ON VIEW loyalty.tier_grants IS 'Insert to grant_tier: columns as the parameters of loyalty.grant_tier; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.grant_ends AS
	SELECT e.member, e.of_ref, e.ref, e.reason, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'grant_end';
COMMENT ON VIEW loyalty.grant_ends IS 'Insert to end_grant: columns as the parameters of loyalty.end_grant; account, entry, change (of the balance), balance, usable and repeat show the result.';

CREATE VIEW loyalty.benefit_uses AS
	SELECT e.member, e.benefit, e.ref, e.quantity, e.reason, e.at, e.program, e.account_id AS account, e.seq AS entry, e.points AS change, (e.balance - coalesce(e.expired, 0)) AS balance, e.usable, false AS repeat
	FROM loyalty.entries e
	WHERE e.kind OPERATOR(loyalty.=) 'benefit';
COMMENT ON VIEW loyalty.benefit_uses IS 'Insert to use_benefit: columns as the parameters of loyalty.use_benefit; account, entry, change (of the balance), balance, usable and repeat show the result.';

DO $$
DECLARE
	v record;
BEGIN
	FOR v IN SELECT * FROM (VALUES
		('enrollments', 'enroll'),
		('purchases', 'purchase'),
		('awards', 'award'),
		('confirmations', 'confirm'),
		('spends', 'spend'),
		('holds', 'hold'),
		('captures', 'capture'),
		('releases', 'release'),
		('refunds', 'refund'),
		('cancellations', 'cancel'),
		('adjustments', 'adjust'),
		('extensions', 'extend'),
		('reinstatements', 'reinstate'),
		('transfers', 'transfer'),
		('renames', 'rename_member'),
		('freezes', 'freeze'),
		('unfreezes', 'unfreeze'),
		('activities', 'activity'),
		('tier_grants', 'grant_tier'),
		('grant_ends', 'end_grant'),
		('benefit_uses', 'use_benefit')) AS t (name, verb)
	LOOP
		EXECUTE pg_catalog.format('CREATE TRIGGER begin_set BEFORE INSERT ON loyalty.%I FOR EACH STATEMENT EXECUTE FUNCTION loyalty.set_trigger(%L)', v.name, v.verb);
		EXECUTE pg_catalog.format('CREATE TRIGGER post INSTEAD OF INSERT ON loyalty.%I FOR EACH ROW EXECUTE FUNCTION loyalty.set_trigger(%L)', v.name, v.verb);
		EXECUTE pg_catalog.format('CREATE TRIGGER post_set AFTER INSERT ON loyalty.%I FOR EACH STATEMENT EXECUTE FUNCTION loyalty.set_trigger(%L)', v.name, v.verb);
		EXECUTE pg_catalog.format('CREATE TRIGGER refuse INSTEAD OF UPDATE OR DELETE ON loyalty.%I FOR EACH ROW EXECUTE FUNCTION loyalty.set_refuse()', v.name);
		EXECUTE pg_catalog.format('CREATE TRIGGER refuse_statement BEFORE UPDATE OR DELETE ON loyalty.%I FOR EACH STATEMENT EXECUTE FUNCTION loyalty.set_refuse()', v.name);
		EXECUTE pg_catalog.format('ALTER VIEW loyalty.%I ALTER COLUMN repeat SET DEFAULT loyalty.not_posted()', v.name);
	END LOOP;
END
$$;
