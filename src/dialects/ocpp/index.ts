export { OcppDialect, type OcppOptions } from './dialect.ts';
export { enterOcpp, type OcppEntryOptions } from './entry.ts';
export { ocppRoutes, type OcppRoutesOptions } from './routes.ts';
export { SUBPROTOCOLS, type Subprotocol } from './versions.ts';
