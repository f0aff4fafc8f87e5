export { WsaasCodec, type WsaasOptions } from './codec.ts';
export { wsaasRoutes, type WsaasRoutesOptions } from './routes.ts';
