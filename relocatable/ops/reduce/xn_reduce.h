// Functions that reduce.c computes, for every element type.
#ifndef XN_REDUCE_H
#define XN_REDUCE_H

// Of bools, the largest is ANY and the smallest ALL.
enum xn_reduce {
    XN_REDUCE_SUM = 0,
    XN_REDUCE_PROD = 1,
    XN_REDUCE_MAX = 2,
    XN_REDUCE_MIN = 3,
};

#endif
