/* The schema, of which a database is created and brought to the latest version; described for people in hexplore-db(5). */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

enum { SCHEMA_APPLICATION = 0x6878706c /* 'hxpl' */, SCHEMA_OLDEST = 2 /* that is still read */, SCHEMA_VERSION = 4 };

/* The first makes a database of version SCHEMA_OLDEST, each of the others one of the version that follows. */
extern const char *const schema_steps[SCHEMA_VERSION - SCHEMA_OLDEST + 1];

#endif
