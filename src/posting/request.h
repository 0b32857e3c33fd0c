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
	P_MEMBER, P_PROGRAM, P_AT, P_REF, P_OF_REF, P_POINTS, P_AMOUNT, P_LINES, P_REASON,
	P_CHANNEL, P_STORE, P_BRAND, P_ATTRIBUTES, P_EXPIRES_ON, P_PENDING, P_UNTIL,
	P_ALLOW_DEBT, P_TO, P_EXPIRING_ON, P_TO_MEMBER, P_MODE, P_JOINED_ON, P_BIRTHDAY, P_TAGS,
	P_ACTIVITY, P_TIER, P_FROM, P_LAST_DAY, P_BENEFIT, P_QUANTITY,
	P_QUALIFIES,
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
	bool		by_of_ref;		/* known by what it finishes, not by a ref of its own */
	bool		operator;		/* the entry names the role */
	void		(*post) (Posting *posting);
	int			nparameters;
	Parameter	parameters[16];
};

extern const char *const parameter_names[PARAMETERS];
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
