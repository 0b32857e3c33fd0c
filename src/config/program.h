/*
 * program.h
 *	  The settings of a program, as a posting needs them.
 */
#ifndef PROGRAM_H
#define PROGRAM_H

#include "loyalty.h"
#include "pgtime.h"

#include "account.h"
#include "expiry.h"
#include "points.h"

/* What the metrics of tiers are summed over (S21). */
typedef enum TierWindow
{
	WINDOW_LIFETIME,
	WINDOW_CALENDAR_YEAR,
	WINDOW_ROLLING,
	WINDOW_MEMBERSHIP_YEAR
} TierWindow;

/* What becomes of a tier that a review does not find supported (S23). */
typedef enum TierReview
{
	REVIEW_SUPPORTED,
	REVIEW_STEP,
	REVIEW_KEEP
} TierReview;

#define PENDING_UNCONFIRMED (-1)

typedef struct Program
{
	int32		id;
	char	   *code;
	pg_tz	   *zone;
	Rate		rate;
	Datum		rate_text;		/* the rate in words, for explain */
	Expiry	   *expiry;
	int			pending_days;	/* or PENDING_UNCONFIRMED */
	int64		balance_cap;	/* or NO_LIMIT, as the next two */
	int64		transfers_per_year;
	int64		points_per_transfer_year;
	bool		cap_rejects;
	SpentReturn on_spent_return;
	int			cancel_grace_days;
	Interval	hold_limit;
	int			transfer_membership_days;
	int			transfer_usable_days;
	int64		transfer_fee;
	char	   *currency;		/* or NULL, as the next two */
	char	   *base_group;		/* exclusive group of its own rate */
	Numeric		multiplier_ceiling;
	TierWindow	tier_window;
	int			tier_months;	/* of a rolling window */
	int			tier_term;		/* in windows */
	int			tier_grace_days;
	TierReview	tier_review;
	bool		tier_recompute; /* a return lets a tier fall at once */
	const struct Rulebook *book;	/* NULL: it has none */
} Program;

/*
 * Find a program.  The result, its rulebook included, lives until the end of
 * the transaction; use it within one posting, so that the next one sees changes.
 */
extern const Program *program_by_code(const char *code);
extern const Program *program_by_id(int32 id);
extern const Program *program_if_there(int32 id);
extern const Program *program_default(void);
extern bool program_any_budget(void);

#endif							/* PROGRAM_H */
