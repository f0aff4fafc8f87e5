/** A word that is nowhere else, in a form that each place of a secret takes. */
export const planted = (name: string): string => `planted-${name.toLowerCase().replaceAll('_', '-')}-0123456789abcdef`;

/** Every planted word in a text, plain or as it would look in base64 or a URL, each with what stands around it; and those of `more`. */
export function found(text: string, more: readonly string[] = []): string[] {
  const forms = [...more, 'planted-'].flatMap((word) => [
    word,
    encodeURIComponent(word),
    Buffer.from(word).toString('base64').slice(0, -4),
  ]);
  return forms
    .filter((form) => text.includes(form))
    .map((form) => text.slice(Math.max(0, text.indexOf(form) - 60), text.indexOf(form) + 60));
}
