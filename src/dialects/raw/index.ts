export { RawCodec, type RawOptions } from './codec.ts';
export { enterRaw } from './entry.ts';
export { rawRoutes, type RawRoutesOptions } from './routes.ts';
