/*
 * request.h
 *	  What a caller asks for: one verb with its parameters, whichever way it
 *	  arrived (a function's arguments, or a row put into a view).
 */
#ifndef REQUEST_H
#define REQUEST_H

#include "loyalty.h"
#include "utils/jsonb.h"
#include "utils/numeric.h"

#include "account.h"
#include "event.h"
#include "kind.h"
#include "program.h"

typedef enum Parameter
{
#define PARAMETER(name, column, type, check, needed, printed, default, meaning) P_##name,
#include "parameters.h"
#undef PARAMETER
	PARAMETERS
} Parameter;

typedef struct Verb Verb;

typedef struct Request
{
	const Verb *verb;
	Datum		values[PARAMETERS];
	bool		nulls[PARAMETERS];
	int64		fingerprint;
} Request;

typedef struct Posting Posting;

/* A verb: its parameters in the order of its function, and what it does. */
struct Verb
{
	const char *name;			/* of the function */
	const char *view;			/* of the view to insert into */
	Kind		kind;			/* of the entry it makes */
	bool		operator;		/* the entry names the role */
	void		(*post) (Posting *posting);
	int			nparameters;
	Parameter	parameters[16];
};

extern const char *parameter_name(Parameter parameter);
extern const char *parameter_meaning(Parameter parameter);
extern Oid	parameter_type(Parameter parameter);

#define asked(request, parameter) (!(request)->nulls[parameter])
#define ask_points(request, parameter) DatumGetInt64((request)->values[parameter])
#define ask_date(request, parameter) DatumGetDateADT((request)->values[parameter])
#define ask_bool(request, parameter) \
	(asked(request, parameter) && DatumGetBool((request)->values[parameter]))
extern char *ask_text(const Request *request, Parameter parameter);

/* Check what needs no ledger; fingerprint what is right (S26). */
extern void request_check(Request *request);
extern void request_fingerprint(Request *request);

/* The event of a purchase or activity that is asked for; its tier is not known yet. */
extern void event_of_request(const Request *request, TimestampTz at, DateADT on, Event *event);

#endif							/* REQUEST_H */
