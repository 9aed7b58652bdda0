// The firmware is built without assertions.
#undef assert
#define assert(condition) ((void)0)
#ifndef static_assert
#define static_assert _Static_assert
#endif
