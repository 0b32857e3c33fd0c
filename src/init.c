/*
 * init.c
 *	  The door of the library: one initialiser a noun.
 */
#include "loyalty.h"

#include "miscadmin.h"
#include "utils/guc.h"

#include "ledger.h"
#include "tablemap.h"

PG_MODULE_MAGIC;

void		_PG_init(void);

void
_PG_init(void)
{
	table_map_init();
	program_init();
	posting_init();
	join_init();
	ledger_init();
	set_init();
	guard_init();
	track_init();
	MarkGUCPrefixReserved("loyalty");
}
