export { enterOcpp, type OcppEntryOptions } from './entry.ts';
export { ocppRoutes, type OcppRoutesOptions } from './routes.ts';
export { speakOcpp } from './speech.ts';
export { SUBPROTOCOLS, type Subprotocol } from './versions.ts';
