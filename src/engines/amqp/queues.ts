import type { ChannelModel } from 'amqplib';

/** Makes a durable queue, unless there is one: it may have been declared as a quorum queue, say, which is as good. */
export async function ensureQueue(connection: ChannelModel, queue: string): Promise<void> {
  if (await exists(connection, queue)) return;
  await onChannel(connection, (channel) => channel.assertQueue(queue, { durable: true }));
}

/** The question for a queue that is not there costs its channel, says AMQP. */
async function exists(connection: ChannelModel, queue: string): Promise<boolean> {
  try {
    await onChannel(connection, (channel) => channel.checkQueue(queue));
    return true;
  } catch (error) {
    if ((error as { code?: unknown }).code === 404) return false;
    throw error;
  }
}

type Channel = Awaited<ReturnType<ChannelModel['createChannel']>>;

/** Does one thing on a channel of its own: a mistake closes it, and nothing else. */
export async function onChannel<Result>(connection: ChannelModel, act: (channel: Channel) => Promise<Result>): Promise<Result> {
  const channel = await connection.createChannel();
  channel.on('error', () => {}); // told by the rejection
  try {
    const result = await act(channel);
    await channel.close();
    return result;
  } catch (error) {
    await channel.close().catch(() => {}); // the mistake has closed it
    throw error;
  }
}
