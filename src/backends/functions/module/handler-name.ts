/** `src/chat.handler` in two: the file, which has no extension, and the export. Null: it is no such name. */
export function readHandlerName(handler: string): { readonly file: string; readonly export: string } | null {
  const folderEnd = handler.lastIndexOf('/') + 1;
  const dot = handler.indexOf('.', folderEnd);
  if (dot <= folderEnd || dot === handler.length - 1) return null;
  return { file: handler.slice(0, dot), export: handler.slice(dot + 1) };
}
