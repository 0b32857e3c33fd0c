/*
 * part.c
 *	  Sums over the parts of an earning, and what caps have counted so far.
 */
#include "earn_parts.h"

/* Do a part's points count for tiers? */
bool
part_qualifies(const Part *part)
{
	return part->rule ? part->rule->qualifies : part->tier == NULL || part->tier->qualifies;
}

/* The points of an earning that count for tiers. */
int64
earning_qualifying(const Earning *earning)
{
	int64		sum = 0;

	for (int i = 0; i < earning->nparts; i++)
		if (part_qualifies(&earning->parts[i]))
			sum += earning->parts[i].given;
	return sum;
}

/* The points that a cap has counted so far in the period of the event. */
int64
used_points(const Work *work, int64 counter_id, Period period)
{
	return usage_find(work->earning->account, counter_id,
					  period_around(period, work->event->on).first)->points;
}

/* The points that a rule's own cap has counted so far in its period. */
int64
rule_used_points(const Work *work, const Rule *rule)
{
	return used_points(work, rule->id, rule->period);
}
