/*
 * label.c
 *	  Labels of what C knows as numbers.
 */
#include "label.h"

#include "utils/builtins.h"

int
label_place(const char *label, const char *const *labels, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(label, labels[i]) == 0)
			return i;
	return -1;
}

int
label_stored(Datum value, const char *const *labels, int count)
{
	int			place = label_place(TextDatumGetCString(value), labels, count);

	return Max(place, 0);
}
