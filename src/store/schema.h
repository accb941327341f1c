/* The schema, written once when a database is created; described for people in hexplore-db(5). */
#ifndef STORE_SCHEMA_H
#define STORE_SCHEMA_H

enum { SCHEMA_APPLICATION = 0x6878706c /* 'hxpl' */, SCHEMA_VERSION = 2 };

extern const char schema_sql[];

#endif
