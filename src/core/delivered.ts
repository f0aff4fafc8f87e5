import type { MessageEvent, MessageVerdict } from './events.ts';
import type { IntakeClient, IntakeHost } from './intake.ts';

/** The backend has taken a message: it is counted, complaints are told, tags set, and a reply goes back. */
export function delivered(
  client: IntakeClient,
  host: IntakeHost,
  taken: { readonly event: MessageEvent; readonly verdict: Extract<MessageVerdict, { type: 'delivered' }> },
): void {
  const { event, verdict } = taken;
  const { observer, log } = host;
  const { id } = client.party;
  observer.counted('messagesDelivered', 1);
  if (verdict.complaint !== null) {
    observer.counted('messagesComplained', 1);
    log.info({ id, seq: event.seq, complaint: verdict.complaint }, 'the backend took a message and complained');
  }
  if (verdict.tags) {
    const problem = client.setTags(verdict.tags);
    if (problem !== null) log.warn({ id, problem }, 'the backend set tags that cannot be set');
  }
  if (verdict.reply !== null) client.reply(verdict.reply);
}
