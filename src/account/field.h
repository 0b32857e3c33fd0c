/*
 * field.h
 *	  What stored fields must be, to be understood at all: the domain of each
 *	  column of the ledger's tables, and which kinds of entries have which.
 *
 * Whatever reads a row of the ledger checks it here (account_row.c, counters.c), so
 * that nobody behind has to: a NULL, a day that cannot be, jsonb of another
 * shape.  A posting or a read is refused (LY014); verify gets a difference,
 * and goes on with a neutral value in the place of what it cannot understand.
 */
#ifndef FIELD_H
#define FIELD_H

#include "loyalty.h"

#include "entry.h"

typedef enum Domain
{
	DOMAIN_NUMBER,				/* any bigint */
	DOMAIN_ID,					/* 1 and more */
	DOMAIN_PROGRAM,				/* the same, an integer */
	DOMAIN_COUNT,				/* 0 to MAX_BALANCE */
	DOMAIN_POINTS,				/* the same, or below 0 */
	DOMAIN_MONTHS,				/* 0 to EXPIRY_MAX_MONTHS */
	DOMAIN_INSTANT,				/* in the years of the ledger */
	DOMAIN_END,					/* the same, or infinity */
	DOMAIN_DAY,
	DOMAIN_LAST_DAY,			/* the same, or infinity */
	DOMAIN_PERIOD,				/* the same, or either infinity */
	DOMAIN_KIND,
	DOMAIN_BOOLEAN,
	DOMAIN_TEXT,
	DOMAIN_MODE,				/* of a freeze */
	DOMAIN_SPENT,				/* by which a return wrote points off */
	DOMAIN_CAUSE,				/* of a tier */
	DOMAIN_MONEY,				/* of one posting */
	DOMAIN_SUM,					/* of money: any finite number */
	DOMAIN_POLICY,
	DOMAIN_LOTS,
	DOMAIN_LOTS_READ,			/* the same; who reads the row checks them, and decodes them once */
	DOMAIN_HASH,
	DOMAIN_OBJECT,				/* jsonb */
	DOMAIN_LINES,
	DOMAIN_LINES_BACK,
	DOMAIN_PARTS,
	DOMAIN_CHARGES,
	DOMAIN_GRANTS,
	DOMAINS
} Domain;

/* A column of a table that is not the journal. */
typedef struct StoredColumn
{
	Domain		domain;
	bool		optional;
} StoredColumn;

/*
 * Who is told of values that cannot be understood: what is stored, and what is
 * expected instead.
 */
typedef struct Faults Faults;
struct Faults
{
	void		(*report) (Faults *faults, int column, const char *name, const char *stored,
				   const char *expected);
	void	   *state;
	/* the row that is checked, for messages */
	const char *table;
	int64		account_id;
	int64		seq;			/* of an entry or hold */
	int			count;			/* how many were found */
};

/* Told of one, these refuse it: for whoever posts or reads. */
extern Faults faults_refused(void);

/* Tell of a value that is wrong beside others. */
extern void fault_report(Faults *faults, int column, const char *name, const char *stored,
						 const char *expected);

/* Check a row; what is faulty is reported, and neutral from then on. */
extern void row_check(const StoredColumn *columns, const char *const *names, int ncolumns,
					  Datum *values, bool *nulls, Faults *faults);

/* The same of an entry, by its kind; strictly: fields of other kinds are faults, too. */
extern void entry_check(Entry *entry, bool strictly, Faults *faults);

/* The same for assertions. */
extern bool entry_is_sound(const Entry *entry, bool strictly);

/* Can nobody know which points an entry moves, if this field of it is faulty? */
extern bool field_moves_points(EntryField field);

/* A value as text, whatever is stored. */
extern char *field_text(Domain domain, Datum value);

#endif							/* FIELD_H */
