type Event = { readonly say: string };

export const handler = async ({ say }: Event): Promise<object> => ({ statusCode: 200, body: say });
