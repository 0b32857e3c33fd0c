/*
 * verb.c
 *	  The calls: each verb with its parameters, and its SQL function.
 *
 * Memory: a call works in a context of its own under the caller's, deleted at
 * its end; only the receipt is made in the caller's.
 */
#include "posting.h"

#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/builtins.h"
#include "utils/memutils.h"


#define PARAMS(...) \
	lengthof(((Parameter[]) {__VA_ARGS__})), {__VA_ARGS__}

#define ANYBODY false
#define OPERATOR true

static const Verb verbs[] = {
#define VERB(function, view, kind, told_of, post, ...) \
	{#function, #view, KIND_##kind, told_of, post, PARAMS(__VA_ARGS__)},
#include "verbs.h"
#undef VERB
};

/* Find a verb by the name of its function. */
const Verb *
verb_by_name(const char *name)
{
	for (int i = 0; i < lengthof(verbs); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	elog(ERROR, "unknown verb \"%s\"", name);
	return NULL;				/* not reached */
}

/*
 * The functions
 */

/*
 * Run the SQL function of a verb: make a request of its arguments, post it, and
 * return the receipt.
 */
static Datum
call_verb(FunctionCallInfo fcinfo, const char *name)
{
	TupleDesc	tupdesc = receipt_tupdesc(fcinfo);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "loyalty posting",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	Request		request;
	Posting		posting;
	Datum		receipt;

	request.verb = verb_by_name(name);
	memset(request.nulls, true, sizeof(request.nulls));
	Assert(PG_NARGS() == request.verb->nparameters);
	for (int i = 0; i < request.verb->nparameters; i++)
	{
		Parameter	parameter = request.verb->parameters[i];

		request.values[parameter] = PG_GETARG_DATUM(i);
		request.nulls[parameter] = PG_ARGISNULL(i);
	}
	posting_run(&request, &posting);
	MemoryContextSwitchTo(old);
	receipt = receipt_form(posting.entry, posting.repeat, tupdesc);
	MemoryContextDelete(context);
	return receipt;
}

#define VERB_FUNCTION(name) \
	PG_FUNCTION_INFO_V1(post_##name); \
	Datum \
	post_##name(PG_FUNCTION_ARGS) \
	{ \
		return call_verb(fcinfo, #name); \
	} \
	extern int	no_such_variable

#define VERB(function, ...) VERB_FUNCTION(function);
#include "verbs.h"
#undef VERB

/* verb_list(): verb, view, kind, position, parameter, meaning; one row for each parameter. */
PG_FUNCTION_INFO_V1(verb_list);
Datum
verb_list(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;

	InitMaterializedSRF(fcinfo, 0);
	for (int i = 0; i < lengthof(verbs); i++)
		for (int j = 0; j < verbs[i].nparameters; j++)
		{
			Datum		values[6];
			bool		nulls[6] = {false};

			values[0] = CStringGetTextDatum(verbs[i].name);
			values[1] = CStringGetTextDatum(verbs[i].view);
			values[2] = KindGetDatum(verbs[i].kind);
			values[3] = Int32GetDatum(j + 1);
			values[4] = CStringGetTextDatum(parameter_name(verbs[i].parameters[j]));
			values[5] = CStringGetTextDatum(parameter_meaning(verbs[i].parameters[j]));
			tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
		}
	return (Datum) 0;
}
