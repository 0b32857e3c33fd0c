/*
 * label.h
 *	  Labels of what C knows as numbers.
 */
#ifndef LABEL_H
#define LABEL_H

#include "loyalty.h"

/* The position of a label in a list; -1 if it is not in the list. */
extern int	label_place(const char *label, const char *const *labels, int count);

/* The place of a stored label, which a constraint checks; LY014 where that is gone and the label is none. */
extern int	label_stored(Datum value, const char *const *labels, int count);

#endif							/* LABEL_H */
