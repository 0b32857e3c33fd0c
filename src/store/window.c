/*
 * window.c
 *	  The windows over which a program counts the metrics of tiers.
 */
#include "window.h"

#include "calendar.h"
#include "program.h"
#include "rulebook.h"

bool
account_has_tiers(const Account *account)
{
	return account->book != NULL && account->book->ntiers > 0;
}

/* The window that a day belongs to (S21); a rolling window ends with that day. */
Span
tier_window(const Account *account, DateADT day)
{
	const Program *program = account->program;

	switch (program->tier_window)
	{
		case WINDOW_CALENDAR_YEAR:
			return year_around(day);
		case WINDOW_ROLLING:
			return (Span) {calendar_add_months(day, -program->tier_months) + 1, day};
		case WINDOW_MEMBERSHIP_YEAR:
			return anniversary_year_around(calendar_day_of(account->opened_at, account->zone), day);
		default:
			return (Span) {DATEVAL_NOBEGIN, DATEVAL_NOEND};
	}
}
