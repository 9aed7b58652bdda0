// What upstream's drivers ask of a port.
#define mp_hal_pin_obj_t int
#define mp_hal_pin_write(pin, value) ((void)(pin))
#define mp_hal_pin_output(pin) ((void)(pin))
