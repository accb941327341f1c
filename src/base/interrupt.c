/* Interrupts. */
#include "base/interrupt.h"

#include <stddef.h>

static volatile sig_atomic_t came;

static void notice(int signal)
{
	(void)signal;
	came = 1;
}

void interrupt_catch(bool on)
{
	struct sigaction action = {.sa_handler = on ? notice : SIG_DFL, .sa_flags = SA_RESETHAND};

	if (on)
		came = 0;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

bool interrupt_came(void)
{
	return came;
}

const volatile sig_atomic_t *interrupt_flag(void)
{
	return &came;
}
