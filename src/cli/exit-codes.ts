/** Of sysexits.h, and 78 for a mistake in the configuration (config/load.ts). */
export const EXIT_USAGE = 64;
/** A file that was given is not what was wanted, or the gateway will not take what was sent. */
export const EXIT_BAD_INPUT = 65;
/** No such connection. */
export const EXIT_NOT_FOUND = 67;
/** What the program needs cannot be had now: a port that another program has, a gateway that does not answer. */
export const EXIT_UNAVAILABLE = 69;
/** Not now, or not by everybody. */
export const EXIT_TRY_AGAIN = 75;
export const EXIT_NO_PERMISSION = 77;
export const EXIT_FAULT = 1;
