/*
 * member.c
 *	  Members: finding, inserting, updating and erasing them.
 */
#include "member.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/pg_type.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "common/hashfn.h"
#include "executor/executor.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

#include "account_row.h"
#include "hint.h"
#include "owner.h"
#include "tablemap.h"

enum
{
	MEMBER_ID, MEMBER_KEY, MEMBER_JOINED_ON, MEMBER_BIRTHDAY, MEMBER_ATTRIBUTES, MEMBER_TAGS,
	MEMBER_ERASED_AT, MEMBER_COLUMNS
};

static const char *const member_columns[MEMBER_COLUMNS] = {
	"id", "key", "joined_on", "birthday", "attributes", "tags", "erased_at"
};

static const Oid member_types[MEMBER_COLUMNS] = {
	INT8OID, TEXTOID, DATEOID, TEXTOID, JSONBOID, JSONBOID, TIMESTAMPTZOID
};

static TableMap member_map = {.name = "member", .ncolumns = MEMBER_COLUMNS, .columns = member_columns, .types = member_types};

static HintMap member_hints;	/* by key */

/* The id of the member in a slot; 0 if the member has another key. */
static int64
slot_member(TupleTableSlot *slot, text *key)
{
	bool		isnull;
	Datum		value = slot_getattr(slot, member_map.attnums[MEMBER_KEY], &isnull);
	text	   *stored = isnull ? NULL : DatumGetTextPP(value);

	if (isnull || VARSIZE_ANY_EXHDR(stored) != VARSIZE_ANY_EXHDR(key) ||
		memcmp(VARDATA_ANY(stored), VARDATA_ANY(key), VARSIZE_ANY_EXHDR(key)) != 0)
		return 0;
	return DatumGetInt64(slot_getattr(slot, member_map.attnums[MEMBER_ID], &isnull));
}

/* Find a member's id and place by the index; 0 if the snapshot sees none. */
static int64
scan_member(Relation relation, text *key, Snapshot snapshot, ItemPointer tid)
{
	ScanKeyData scankey;
	TableScan	scan;
	int64		id = 0;

	ScanKeyInit(&scankey, 1, BTEqualStrategyNumber, F_TEXTEQ, PointerGetDatum(key));
	scan_begin(&scan, relation, &member_key_key, snapshot, &scankey, 1);
	if (scan_next(&scan, true))
	{
		id = slot_member(scan.slot, key);
		*tid = scan.slot->tts_tid;
	}
	scan_end(&scan);
	return id;
}

/*
 * Find a member's id where this backend last found the row, or else by the
 * index; 0 if there is none.
 */
static int64
find_member(Relation relation, const char *key, Snapshot snapshot)
{
	text	   *wanted = cstring_to_text(key);
	uint32		hash = hash_bytes((const unsigned char *) key, strlen(key));
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	ItemPointerData tid;
	int64		id = 0;

	snapshot = RegisterSnapshot(snapshot);
	if (hint_fetch(&member_hints, hash, relation, snapshot, slot))
		id = slot_member(slot, wanted);
	ExecDropSingleTupleTableSlot(slot);
	if (id == 0)
	{
		id = scan_member(relation, wanted, snapshot, &tid);
		if (id != 0)
			hint_keep(&member_hints, hash, &tid);
	}
	UnregisterSnapshot(snapshot);
	return id;
}

/*
 * The id of a member; 0 if there is none.  The lookup uses the same snapshot as
 * that of an account: the latest, or the transaction's.  A member who was added
 * after the transaction's snapshot causes a serialization failure.
 */
int64
member_id(const char *key)
{
	Relation	relation = table_map_open(&member_map, AccessShareLock);
	bool		serial = IsolationUsesXactSnapshot();
	int64		id = find_member(relation, key,
								 lookup_snapshot());

	if (id == 0 && serial && find_member(relation, key, latest_snapshot()) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("could not serialize access due to concurrent enrollment of member \"%s\"", key)));
	table_close(relation, AccessShareLock);
	return id;
}

/* Read a member by id into the current memory context; a missing one is an error (LY_DAMAGED). */
void
member_read(int64 id, Member *member)
{
	Relation	relation = table_map_open(&member_map, AccessShareLock);
	Datum		values[MEMBER_COLUMNS];
	bool		nulls[MEMBER_COLUMNS];
	ScanKeyData key;
	TableScan	scan;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	scan_begin(&scan, relation, &member_pkey, lookup_snapshot(), &key, 1);
	if (!scan_next(&scan, true))
		ereport(ERROR,
				(errcode(ERRCODE_LY_DAMAGED),
				 errmsg("member " INT64_FORMAT " does not exist", id),
				 errhint("Run loyalty.verify().")));
	table_get(&member_map, scan.slot, values, nulls);
	member->key = TextDatumGetCString(values[MEMBER_KEY]);
	member->joined_on = DatumGetDateADT(values[MEMBER_JOINED_ON]);
	member->birthday = nulls[MEMBER_BIRTHDAY] ? NULL : TextDatumGetCString(values[MEMBER_BIRTHDAY]);
	member->attributes = PointerGetDatum(PG_DETOAST_DATUM_COPY(values[MEMBER_ATTRIBUTES]));
	member->tags = PointerGetDatum(PG_DETOAST_DATUM_COPY(values[MEMBER_TAGS]));
	scan_end(&scan);
	table_close(relation, AccessShareLock);
}

void
member_unknown(const char *key)
{
	ereport(ERROR,
			(errcode(ERRCODE_LY_UNKNOWN_MEMBER),
			 errmsg("member \"%s\" does not exist", key),
			 errhint("Enroll the member first: SELECT loyalty.enroll(...).")));
}

/*
 * Lock a member's row until the transaction ends, so that only one session at a
 * time opens an account for the member or changes the key.
 */
void
member_lock(int64 id)
{
	Relation	relation = table_map_open(&member_map, RowExclusiveLock);
	ScanKeyData key;
	TableScan	scan;
	TM_FailureData failure;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(id));
	scan_begin(&scan, relation, &member_pkey, lookup_snapshot(), &key, 1);
	if (scan_next(&scan, true))
	{
		TupleTableSlot *slot = table_slot_create(relation, NULL);
		ItemPointerData tid = scan.slot->tts_tid;

		(void) table_tuple_lock(relation, &tid, scan.snapshot, slot, GetCurrentCommandId(false),
								LockTupleNoKeyExclusive, LockWaitBlock,
								TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
		ExecDropSingleTupleTableSlot(slot);
	}
	scan_end(&scan);
	table_close(relation, NoLock);
}

/* The executor state for inserting a row into member. */
typedef struct Insertion
{
	EState	   *estate;
	ResultRelInfo *info;
} Insertion;

/*
 * Set up an executor state for inserting into the table, with its indexes open
 * for speculative insertion.
 */
static void
insertion_begin(Insertion *insertion, Relation relation)
{
	RangeTblEntry *rte = makeNode(RangeTblEntry);
	EState	   *estate = CreateExecutorState();
	List	   *perminfos pg_attribute_unused() = NIL;

	rte->rtekind = RTE_RELATION;
	rte->relid = RelationGetRelid(relation);
	rte->relkind = relation->rd_rel->relkind;
	rte->rellockmode = RowExclusiveLock;
	compat_add_permissions(&perminfos, rte, NULL);
	compat_init_range_table(estate, list_make1(rte), perminfos);
	estate->es_output_cid = GetCurrentCommandId(true);
	insertion->estate = estate;
	insertion->info = makeNode(ResultRelInfo);
	InitResultRelInfo(insertion->info, relation, 1, NULL, 0);
	estate->es_opened_result_relations = lappend(estate->es_opened_result_relations,
												 insertion->info);
	ExecOpenIndices(insertion->info, true);
	AfterTriggerBeginQuery();
}

/* Fire the AFTER triggers of the insertion, and free its executor state. */
static void
insertion_end(Insertion *insertion)
{
	AfterTriggerEndQuery(insertion->estate);
	ExecCloseIndices(insertion->info);
	FreeExecutorState(insertion->estate);
}

/*
 * Insert a row unless one with the same key exists, as INSERT ... ON CONFLICT
 * DO NOTHING does: the row is inserted speculatively, and removed again if a
 * concurrent insertion was first.  Returns false if a row with the key exists.
 */
static bool
insert_unless_there(Insertion *insertion, TupleTableSlot *slot)
{
	EState	   *estate = insertion->estate;
	ResultRelInfo *info = insertion->info;
	Relation	relation = info->ri_RelationDesc;
	bool		conflict = true;

	ExecConstraints(info, slot, estate);
	while (conflict)
	{
		ItemPointerData there;
		uint32		token;
		List	   *recheck;

		CHECK_FOR_INTERRUPTS();
		if (!compat_check_index_constraints(info, slot, estate, &there))
			return false;
		token = SpeculativeInsertionLockAcquire(GetCurrentTransactionId());
		table_tuple_insert_speculative(relation, slot, estate->es_output_cid, 0, NULL, token);
		conflict = false;		/* set to true only if there is one */
		recheck = compat_insert_index_tuples_speculative(info, slot, estate, &conflict);
		table_tuple_complete_speculative(relation, slot, token, !conflict);
		SpeculativeInsertionLockRelease(GetCurrentTransactionId());
		if (!conflict)
			ExecARInsertTriggers(estate, info, slot, recheck, NULL);
		list_free(recheck);
	}
	return true;
}

static Datum
json_literal(const char *text)
{
	return DirectFunctionCall1(jsonb_in, CStringGetDatum(text));
}

/* Insert a member and return the id; 0 if a member with the same key exists by now. */
int64
member_insert(const NewMember *member)
{
	Relation	relation = table_map_open(&member_map, RowExclusiveLock);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	Insertion	insertion;
	Datum		values[MEMBER_COLUMNS];
	bool		nulls[MEMBER_COLUMNS] = {0};
	int64		id = nextval_internal(relation_oid("member_id_seq"), false);

	values[MEMBER_ID] = Int64GetDatum(id);
	values[MEMBER_KEY] = CStringGetTextDatum(member->key);
	values[MEMBER_JOINED_ON] = DateADTGetDatum(member->joined_on);
	values[MEMBER_BIRTHDAY] = member->birthday;
	nulls[MEMBER_BIRTHDAY] = member->birthday == (Datum) 0;
	values[MEMBER_ATTRIBUTES] = member->attributes ? member->attributes : json_literal("{}");
	values[MEMBER_TAGS] = member->tags ? member->tags : json_literal("[]");
	values[MEMBER_ERASED_AT] = (Datum) 0;
	nulls[MEMBER_ERASED_AT] = true;
	table_put(&member_map, slot, values, nulls);
	insertion_begin(&insertion, relation);
	if (!insert_unless_there(&insertion, slot))
		id = 0;
	insertion_end(&insertion);
	ExecDropSingleTupleTableSlot(slot);
	table_close(relation, NoLock);
	CommandCounterIncrement();
	return id;
}

/*
 * Changing what is known of a member.  This runs as the owner of the table,
 * because nobody else has privileges on it.
 */

/* Run a statement as the owner of member; returns the number of rows that it processed. */
static uint64
execute(const char *statement, OwnerValues *values)
{
	uint64		rows;

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	rows = owner_execute(owner_of(member_map.name), statement, values);
	SPI_finish();
	return rows;
}

/*
 * The first given value that contradicts a stored one, as a sentence for the
 * error; NULL if there is none.  SPI must be connected.
 */
static char *
contradiction(OwnerValues *values)
{
	char	   *text = NULL;

	(void) owner_execute(owner_of(member_map.name),
						 "SELECT format('The stored birthday is %s, not %s.', m.birthday, $2) FROM loyalty.member m"
						 " WHERE m.id = $1 AND m.birthday <> $2"
						 " UNION ALL"
						 " SELECT format('The stored value of attribute %L is %s, not %s.', g.key, m.attributes -> g.key, g.value)"
						 " FROM loyalty.member m CROSS JOIN LATERAL jsonb_each($3) g"
						 " WHERE m.id = $1 AND m.attributes -> g.key <> g.value"
						 " UNION ALL SELECT NULL WHERE $4 IS NULL AND false", values);
	if (SPI_processed > 0)
		text = SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
	return text;
}

/*
 * Add the values given to enroll to an existing member: a missing birthday, new
 * attributes, new tags. A value that contradicts a stored one raises an error.
 */
void
member_merge(int64 id, const NewMember *told)
{
	OwnerValues values = {0};
	char	   *what;

	if (told->birthday == (Datum) 0 && told->attributes == (Datum) 0 && told->tags == (Datum) 0)
		return;
	(void) owner_add(&values, INT8OID, Int64GetDatum(id), false);
	(void) owner_add(&values, TEXTOID, told->birthday, told->birthday == (Datum) 0);
	(void) owner_add(&values, JSONBOID, told->attributes, told->attributes == (Datum) 0);
	(void) owner_add(&values, JSONBOID, told->tags, told->tags == (Datum) 0);
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	what = contradiction(&values);
	if (what)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("enroll: the values given contradict those stored for member \"%s\"", told->key),
				 errdetail("%s", what),
				 errhint("Omit the value, or change the stored one first: UPDATE loyalty.members.")));
	(void) owner_execute(owner_of(member_map.name),
						 "UPDATE loyalty.member m SET birthday = coalesce(m.birthday, $2),"
						 " attributes = m.attributes || coalesce($3, '{}'), tags = m.tags || t.new"
						 " FROM (SELECT coalesce(jsonb_agg(g.tag ORDER BY g.n), '[]') AS new"
						 "  FROM loyalty.member k CROSS JOIN LATERAL jsonb_array_elements($4) WITH ORDINALITY g (tag, n)"
						 "  WHERE k.id = $1 AND NOT k.tags @> jsonb_build_array(g.tag)) t"
						 " WHERE m.id = $1 AND ((m.birthday IS NULL AND $2 IS NOT NULL) OR t.new <> '[]'"
						 "  OR NOT m.attributes @> coalesce($3, '{}'))", &values);
	SPI_finish();
}

/* Change a member's key. */
void
member_rename(int64 id, const char *new_key)
{
	OwnerValues values = {0};

	if (strncmp(new_key, "erased:", 7) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("rename_member: keys that start with \"erased:\" are reserved"),
				 errhint("Use loyalty.erase to erase a member.")));
	if (member_id(new_key) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNIQUE_VIOLATION),
				 errmsg("member \"%s\" already exists", new_key),
				 errhint("Renaming cannot merge the accounts of two members.")));
	(void) owner_add(&values, INT8OID, Int64GetDatum(id), false);
	(void) owner_add(&values, TEXTOID, CStringGetTextDatum(new_key), false);
	if (execute("UPDATE loyalty.member SET key = $2 WHERE id = $1 AND erased_at IS NULL", &values) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("the key of member " INT64_FORMAT " cannot be changed", id),
				 errdetail("The member is erased, or a rewrite rule of table \"%s.member\" prevented the change.", LOYALTY_SCHEMA),
				 errhint("Enroll a person who returns as a new member: SELECT loyalty.enroll(...).")));
}

/*
 * erase(member): erase a member; returns the key that replaces theirs,
 * erased:<id>, or NULL if there is no such member, or if they are already
 * erased.
 */
PG_FUNCTION_INFO_V1(member_erase);
Datum
member_erase(PG_FUNCTION_ARGS)
{
	OwnerValues values = {0};
	int64		id = member_id(text_to_cstring(PG_GETARG_TEXT_PP(0)));

	if (id == 0)
		PG_RETURN_NULL();
	(void) owner_add(&values, INT8OID, Int64GetDatum(id), false);
	if (execute("UPDATE loyalty.member SET key = 'erased:' || id, birthday = NULL, attributes = '{}', tags = '[]',"
				" erased_at = clock_timestamp() WHERE id = $1 AND erased_at IS NULL", &values) == 0)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("erased:" INT64_FORMAT, id)));
}

/* The columns of loyalty.members that may change. */
static const char *const facts[] = {"birthday", "attributes", "tags"};

/* Is a column of loyalty.members one that an UPDATE may change? */
static bool
is_fact(const char *column)
{
	for (int i = 0; i < lengthof(facts); i++)
		if (strcmp(facts[i], column) == 0)
			return true;
	return false;
}

/* Does an UPDATE of the view change a column?  Values are compared as text. */
static bool
is_changed(TriggerData *trigger, int number)
{
	TupleDesc	view = RelationGetDescr(trigger->tg_relation);
	char	   *now = SPI_getvalue(trigger->tg_newtuple, view, number);
	char	   *then = SPI_getvalue(trigger->tg_trigtuple, view, number);

	return now && then ? strcmp(now, then) != 0 : now != then;
}

/* Append a column's value in a row of the view to the parameters of a statement. */
static void
add_column(OwnerValues *values, TriggerData *trigger, HeapTuple row, int number)
{
	TupleDesc	view = RelationGetDescr(trigger->tg_relation);
	bool		isnull;
	Datum		value = heap_getattr(row, number, view, &isnull);

	(void) owner_add(values, TupleDescAttr(view, number - 1)->atttypid, value, isnull);
}

/*
 * Make the UPDATE statement for the columns that change; NULL if none does.
 * Its WHERE requires the values that were read, because otherwise somebody
 * else's change would be lost.
 */
static char *
changes_of(TriggerData *trigger, OwnerValues *values)
{
	TupleDesc	view = RelationGetDescr(trigger->tg_relation);
	StringInfoData set;
	StringInfoData where;

	initStringInfo(&set);
	initStringInfo(&where);
	for (int i = 1; i <= view->natts; i++)
	{
		const char *column = NameStr(TupleDescAttr(view, i - 1)->attname);

		if (!is_changed(trigger, i))
			continue;
		if (!is_fact(column))
			ereport(ERROR,
					(errcode(ERRCODE_LY_GUARDED),
					 errmsg("column \"%s\" of view \"%s.members\" cannot be changed", column, LOYALTY_SCHEMA),
					 errhint("Use loyalty.rename_member to change a member's key, and loyalty.erase to erase a member.")));
		add_column(values, trigger, trigger->tg_newtuple, i);
		add_column(values, trigger, trigger->tg_trigtuple, i);
		appendStringInfo(&set, ", %s = $%d", column, values->count - 1);
		appendStringInfo(&where, " AND %s IS NOT DISTINCT FROM $%d", column, values->count);
	}
	if (set.len == 0)
		return NULL;
	if (SPI_getvalue(trigger->tg_trigtuple, view, SPI_fnumber(view, "erased_at")) != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("an erased member of view \"%s.members\" cannot be changed", LOYALTY_SCHEMA),
				 errhint("Enroll a person who returns as a new member: SELECT loyalty.enroll(...).")));
	return psprintf("UPDATE loyalty.member SET %s WHERE key = $1 AND erased_at IS NULL%s", set.data + 2, where.data);
}

/* INSTEAD OF trigger of loyalty.members: it performs an UPDATE, and refuses INSERT and DELETE. */
PG_FUNCTION_INFO_V1(member_row);
Datum
member_row(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	OwnerValues values = {0};
	char	   *statement;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_INSTEAD(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("loyalty._member_row can only be a trigger of the extension's own view")));
	if (!TRIGGER_FIRED_BY_UPDATE(trigger->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_LY_GUARDED),
				 errmsg("view \"%s.members\" does not accept INSERT or DELETE", LOYALTY_SCHEMA),
				 errhint("Use loyalty.enroll to add a member, and loyalty.erase to erase one.")));
	add_column(&values, trigger, trigger->tg_trigtuple, 1);
	statement = changes_of(trigger, &values);
	if (statement != NULL && execute(statement, &values) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				 errmsg("the member was changed or erased by another transaction"),
				 errhint("Read the member again, and repeat the change.")));
	return PointerGetDatum(trigger->tg_newtuple);
}

/*
 * Accounts
 */

static int
compare_accounts(const ListCell *a, const ListCell *b)
{
	const MemberAccount *one = lfirst(a);
	const MemberAccount *other = lfirst(b);

	return one->account_id < other->account_id ? -1 : one->account_id > other->account_id;
}

/* A member's accounts, by ascending id. */
List *
member_accounts(int64 member_id)
{
	Relation	relation = table_map_open(&account_map, AccessShareLock);
	List	   *accounts = NIL;
	ScanKeyData key;
	TableScan	scan;

	ScanKeyInit(&key, 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(member_id));
	scan_begin(&scan, relation, &account_pkey, lookup_snapshot(), &key, 1);
	while (scan_next(&scan, true))
	{
		MemberAccount *account = palloc(sizeof(MemberAccount));
		TimestampTz due_at;
		int64		owner;

		account_due(scan.slot, &due_at, &account->account_id, &owner, &account->program_id);
		accounts = lappend(accounts, account);
	}
	scan_end(&scan);
	table_close(relation, AccessShareLock);
	list_sort(accounts, compare_accounts);
	return accounts;
}
