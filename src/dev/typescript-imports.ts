import { existsSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { fileURLToPath } from 'node:url';

const ENDINGS = ['.ts', '.mts', '.cts', '/index.ts', '.js', '/index.js'];

/**
 * Loaded before a handler of TypeScript: bundlers take `./lib/table` and `./lib/table.js` for `./lib/table.ts`, Node alone does not.
 * What Node itself finds stays as it is.
 */
registerHooks({
  resolve(specifier, context, next) {
    if (!/^\.{1,2}\//.test(specifier)) return next(specifier, context);
    try {
      return next(specifier, context);
    } catch (error) {
      const bare = specifier.replace(/\.[cm]?js$/, '');
      const found = ENDINGS.map((ending) => `${bare}${ending}`).find((each) => isThere(each, context.parentURL));
      if (found === undefined) throw error;
      return next(found, context);
    }
  },
});

function isThere(specifier: string, parent: string | undefined): boolean {
  return parent !== undefined && existsSync(fileURLToPath(new URL(specifier, parent)));
}
