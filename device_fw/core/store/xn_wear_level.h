// Moves an object that never changes onto worn sectors: its own ones shall wear too. Inner part of
// xn_store.
#ifndef XN_WEAR_LEVEL_H
#define XN_WEAR_LEVEL_H

// Moves at most one object, if the wear differs much; one that is executed stays. The old and the
// new place are both whole until the records say which counts. A failure leaves all as it was.
void xn_wear_level(void);

#endif
