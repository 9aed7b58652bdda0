// Moves an object that never changes onto worn sectors, so that its own ones wear too. Inner part
// of xn_store.
#ifndef XN_WEAR_LEVEL_H
#define XN_WEAR_LEVEL_H

// Moves at most one object, where the wear differs much; one that is executed stays. Old and new
// place are both whole until the records say which counts. What fails leaves all as it was.
void xn_wear_level(void);

#endif
