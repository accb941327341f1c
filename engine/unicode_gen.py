#!/usr/bin/env python3
"""Writes engine/unicode_table.c: python3 engine/unicode_gen.py >engine/unicode_table.c

Letters and numbers are the general categories L* and N* of Python's unicodedata; white space is the property White_Space, which
unicodedata lacks and str.isspace() is not (that takes U+001C to U+001F too).
"""
import unicodedata

SPACE = {*range(0x9, 0xE), 0x20, 0x85, 0xA0, 0x1680, *range(0x2000, 0x200B), 0x2028, 0x2029, 0x202F, 0x205F, 0x3000}
OTHER, LETTER, NUMBER, WHITE = range(4)  # enum hx_unicode_class


def kind(c):
    return WHITE if c in SPACE else {"L": LETTER, "N": NUMBER}.get(unicodedata.category(chr(c))[0], OTHER)


runs = [c << 2 | kind(c) for c in range(0x110000) if c == 0 or kind(c) != kind(c - 1)]
print(f"/* Written by unicode_gen.py from Unicode {unicodedata.unidata_version}: where runs of one class begin, code point << 2 | class. */")
print('#include "engine/unicode.h"\n')
print("const uint32_t hx_unicode_table[] = {")
for i in range(0, len(runs), 12):
    print("\t" + " ".join(f"{r:#x}," for r in runs[i : i + 12]))
print("};")
print("const size_t hx_unicode_table_n = sizeof(hx_unicode_table) / sizeof(hx_unicode_table[0]);")
