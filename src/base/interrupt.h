/* Ctrl-C and termination, so that long work ends where it keeps what is done. */
#ifndef BASE_INTERRUPT_H
#define BASE_INTERRUPT_H

#include <signal.h>
#include <stdbool.h>

/* What a command that was interrupted exits with. */
enum { INTERRUPT_STATUS = 128 + 2 /* SIGINT */ };

/* From now on SIGINT and SIGTERM are noticed once, and a second one ends the process at once; off: as before. */
void interrupt_catch(bool on);

/* Whether one came since interrupt_catch(true); and where that is told, for work that looks at a flag. */
bool interrupt_came(void);
const volatile sig_atomic_t *interrupt_flag(void);

#endif
