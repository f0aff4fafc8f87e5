/** Of sysexits.h, and 78 for a mistake in the configuration (config/load.ts). */
export const EXIT_USAGE = 64;
/** A file that was given is not what was wanted. */
export const EXIT_BAD_INPUT = 65;
/** What the program needs cannot be had now: a port that another program has. */
export const EXIT_UNAVAILABLE = 69;
export const EXIT_FAULT = 1;
