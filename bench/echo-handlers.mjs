// What `echo` measures: the smallest handlers.
export default { onMessage: (client, data) => void client.send(data) };
