export { WsaasDialect, type WsaasOptions } from './codec.ts';
export { wsaasRoutes, type WsaasRoutesOptions } from './routes.ts';
