// What is done at each tick of the clock, whatever the thread is at: the application implements it
// (micropython/vm.c, app/without_vm.c).
#ifndef XN_ATTEND_H
#define XN_ATTEND_H

typedef void xn_attend_resume_fn(void);
// From an interrupt between any two instructions of the thread: answers urgent requests. NULL, or
// the function that the thread goes on with instead, with an empty stack.
xn_attend_resume_fn *xn_attend(void);

#endif
