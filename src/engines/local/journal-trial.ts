import { Incarnation } from './journal-incarnation.ts';

/** Does what a journal would do there, and leaves nothing behind but the directory. Rejects with what stands in the way. */
export async function tryJournal(directory: string): Promise<void> {
  const { incarnation, file } = await Incarnation.begin(directory);
  await file.close();
  await incarnation.remove();
}
