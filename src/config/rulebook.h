/*
 * rulebook.h
 *	  What a program's configuration says: its tiers, campaigns, rules, groups,
 *	  caps and benefits, as a posting needs them.
 */
#ifndef RULEBOOK_H
#define RULEBOOK_H

#include "loyalty.h"
#include "utils/numeric.h"

#include "expiry.h"
#include "expression.h"
#include "period.h"
#include "points.h"

typedef enum Metric
{
	METRIC_POINTS,				/* qualifying points */
	METRIC_SPEND,
	METRIC_ORDERS,
	METRIC_ACTIVITIES,
	METRICS
} Metric;

typedef struct Tier
{
	int64		id;
	char	   *code;
	int			rank;
	Numeric		multiplier;
	bool		multiplies;		/* multiplier is above 1 */
	bool		stacks;			/* on what was reached, not on the base */
	char	   *group;			/* or NULL */
	int			priority;
	Expiry	   *expiry;			/* or NULL */
	char	   *floor;			/* or NULL */
	bool		needs_all;
	bool		by_grant;		/* held by grant alone: never computed */
	bool		qualifies;		/* its multiplier's points count for tiers */
	bool		open;			/* no threshold: everybody's */
	int64		points;			/* thresholds; NO_LIMIT: none */
	Numeric		spend;			/* NULL: none */
	int64		orders;
	int64		activities;
	int64		balance;
} Tier;

typedef enum CampaignStatus
{
	CAMPAIGN_DRAFT,
	CAMPAIGN_RUNNING,
	CAMPAIGN_PAUSED,
	CAMPAIGN_ENDED
} CampaignStatus;

typedef struct Campaign
{
	int64		id;
	char	   *code;
	CampaignStatus status;
	TimestampTz starts_at;		/* DT_NOBEGIN, DT_NOEND: none */
	TimestampTz ends_at;
	int64		budget;			/* or NO_LIMIT */
	bool		budget_rejects;
	int			pilot_percent;	/* 100: all */
	Expiry	   *expiry;			/* or NULL */
} Campaign;

typedef enum Effect
{
	EFFECT_BASE,
	EFFECT_MULTIPLIER,
	EFFECT_BONUS,
	EFFECT_CHALLENGE
} Effect;

typedef enum OnReturn
{
	RETURN_PROPORTIONAL,
	RETURN_FULL_ONLY,
	RETURN_NEVER
} OnReturn;

typedef struct Rule
{
	int64		id;
	char	   *code;
	char	   *campaign_code;	/* NULL: none */
	const Campaign *campaign;	/* NULL: none, or none of that code */
	bool		active;
	char	   *activity;		/* NULL: all */
	Effect		effect;
	bool		by_line;
	Expression *condition;		/* NULL: always */
	Expression *points;
	TimestampTz starts_at;
	TimestampTz ends_at;
	uint8		weekdays;		/* bit 1 << weekday; 0: all */
	TimeADT		hour_from;
	TimeADT		hour_until;
	uint64		tiers;			/* bit 1 << rank; 0: everybody */
	bool		tiers_named;
	int			ntags;
	Datum	   *tags;			/* text */
	int			pilot_percent;
	int			priority;
	bool		stacks;
	char	   *group;
	Expiry	   *expiry;
	int			pending_days;	/* or NO_LIMIT: the program's */
	int64		times_cap;
	int64		points_cap;
	Period		period;
	bool		cap_rejects;
	int64		budget;
	bool		budget_rejects;
	OnReturn	on_return;
	bool		qualifies;
	Metric		metric;			/* of a challenge */
	Numeric		goal;
} Rule;

typedef struct RuleGroup
{
	char	   *code;
	bool		takes_first;
} RuleGroup;

typedef struct Cap
{
	int64		id;
	Period		period;
	int64		points;
	bool		rejects;
} Cap;

typedef struct Benefit
{
	int64		id;
	char	   *code;
	char	   *name;			/* or NULL */
	Datum		settings;		/* jsonb */
	uint64		tiers;			/* bit 1 << rank */
	bool		tiers_named;
	int64		quota;			/* or NO_LIMIT */
	Period		period;
} Benefit;

/* A program's configuration. */
typedef struct Rulebook
{
	int32		program_id;
	const char *zone;			/* the program's */
	int			ntiers;
	Tier	   *tiers;			/* by rank */
	int			ncampaigns;
	Campaign   *campaigns;
	int			nrules;
	Rule	   *rules;			/* by effect, priority, code */
	int			ngroups;
	RuleGroup  *groups;
	int			ncaps;
	Cap		   *caps;			/* by period */
	int			nbenefits;
	Benefit    *benefits;		/* by code */
	bool		needs_tallies;	/* tiers, or rules that look at days */
} Rulebook;

extern void rulebook_find_tables(void);
extern void rulebook_read(Rulebook *books, int nbooks, Snapshot snapshot);
extern Rulebook *rulebook_of(Rulebook *books, int nbooks, int32 program_id);
extern bool rulebook_is_read_from(Oid relid);
extern bool rulebook_is_empty(const Rulebook *book);
extern bool rulebook_has_budget(const Rulebook *book);

/* Finding by code; NULL if there is none */
extern const Tier *rulebook_tier(const Rulebook *book, const char *code);
extern const Benefit *rulebook_benefit(const Rulebook *book, const char *code);
extern const Campaign *rulebook_campaign(const Rulebook *book, const char *code);
extern bool benefit_is_for(const Rulebook *book, const Benefit *benefit, const char *tier);
extern bool rulebook_group_takes_first(const Rulebook *book, const char *code);

#endif							/* RULEBOOK_H */
