/*
 * label.c
 *	  Labels of what C knows as numbers.
 */
#include "label.h"

#include "utils/builtins.h"

/* The position of a label in an array, from 0; -1 if it is not there. */
int
label_place(const char *label, const char *const *labels, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(label, labels[i]) == 0)
			return i;
	return -1;
}

/* The position of a stored label in an array, from 0; an unknown label is an error (LY_DAMAGED). */
int
label_stored(Datum value, const char *const *labels, int count)
{
	char	   *label = TextDatumGetCString(value);
	int			place = label_place(label, labels, count);

	if (place < 0)
		ereport(ERROR,
				(errcode(ERRCODE_LY_DAMAGED),
				 errmsg("\"%s\" is stored where only \"%s\" to \"%s\" are allowed", label, labels[0], labels[count - 1]),
				 errhint("Restore the CHECK constraints of the tables of the configuration, and correct the value.")));
	return place;
}
