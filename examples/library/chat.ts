// Rooms as an iodine application has them: who comes to /chat/<room>?name=<name> hears the others of its room.
//   npm run build && PORT=8080 node examples/library/chat.ts
import { createGateway, type Client, type HandlersFactory } from 'wsaas';

type Member = { readonly name: string };

const chat: HandlersFactory<Member> = (gateway) => {
  /** Says something to everybody else in the room; `gateway.send({ room }, …)` would do it in a whole cluster. */
  const tell = (client: Client<Member>, text: string): Promise<number> =>
    gateway.each(
      (other) => {
        if (other.params['room'] === client.params['room']) other.send(text);
      },
      { except: client },
    );
  return {
    async onOpen(client, { query }) {
      const name = String(query['name'] ?? '');
      if (!/^\w{1,20}$/.test(name)) return { refuse: 400, message: 'a name of letters and digits is wanted: ?name=ada' };
      client.data = { name };
      await tell(client, `${name} is here`);
      return { message: `welcome, ${name}` };
    },
    onMessage: (client, data) => tell(client, `${client.data?.name}: ${String(data)}`),
    onClose: (client) => tell(client, `${client.data?.name} left`),
  };
};

const gateway = await createGateway({
  options: { PORT: Number(process.env['PORT'] ?? 8080), LOG_LEVEL: 'WARN' },
  routes: [{ path: '/chat/:room', backend: chat }],
});
console.log(`chat listens on ${(await gateway.listen()).publicUrl}`);
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => void gateway.close());
