/* In front of every program: what they share. */
