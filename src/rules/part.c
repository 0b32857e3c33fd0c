/*
 * part.c
 *	  What the parts of an earning come to, and what caps have seen.
 */
#include "earn_parts.h"

/* Do a part's points count for tiers? */
bool
part_qualifies(const Part *part)
{
	return part->rule ? part->rule->qualifies : part->tier == NULL || part->tier->qualifies;
}

/* The points that count for tiers. */
int64
earning_qualifying(const Earning *earning)
{
	int64		sum = 0;

	for (int i = 0; i < earning->nparts; i++)
		if (part_qualifies(&earning->parts[i]))
			sum += earning->parts[i].given;
	return sum;
}

/* What a cap has seen of the period that the event lies in. */
int64
used_points(const Work *work, int64 counter_id, Period period)
{
	return usage_find(work->earning->account, counter_id,
					  period_around(period, work->event->on).first)->points;
}

/* What a rule's own cap has seen of the period. */
int64
rule_used_points(const Work *work, const Rule *rule)
{
	return used_points(work, rule->id, rule->period);
}
