/** Read before any package is loaded (cli/young-generation.ts), so it stands apart from the other options. */
export const YOUNG_GENERATION_OPTION = 'YOUNG_GENERATION_MB';
/** Node lets the young generation grow to 48 MB, and then stops for 8 to 11 ms four times a second at load (docs/performance.md). */
export const YOUNG_GENERATION_MB = 8;
