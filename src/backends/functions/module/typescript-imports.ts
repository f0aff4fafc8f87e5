import { registerHooks } from 'node:module';

/** What TypeScript leaves out of the name of a file. */
const ENDINGS = ['.ts', '.mts', '.cts', '.js', '/index.ts', '/index.js'];
/** How TypeScript calls the file that a `.ts` file will be one day. */
const EMITTED = /\.([mc]?)js$/;

/** Lets imports of files find what TypeScript means by them: `./lib`, `./lib.js` for `lib.ts`. Node itself wants the file's whole name. */
export function findTypeScriptImports(): void {
  registerHooks({
    resolve(specifier, context, next) {
      try {
        return next(specifier, context);
      } catch (error) {
        if (!/^\.{1,2}(\/|$)/.test(specifier)) throw error;
        const base = specifier.replace(/\/$/, '');
        const candidates = EMITTED.test(base) ? [base.replace(EMITTED, '.$1ts')] : ENDINGS.map((ending) => base + ending);
        for (const candidate of candidates) {
          try {
            return next(candidate, context);
          } catch {
            // the next one, then
          }
        }
        throw error;
      }
    },
  });
}
