# An echo consumer in Python, with nothing but the standard library: RESP, the protocol of Redis, takes twenty lines.
# Run it: redis-server &
#   ROUTES_FILE=examples/streams/routes.yaml npm start &
#   python3 examples/streams/consumer.py        (REDIS_PORT=6379)
import os, socket

sock = socket.create_connection(("127.0.0.1", int(os.environ.get("REDIS_PORT", "6379"))))
reader = sock.makefile("rb")

def call(*words):
    data = [word if isinstance(word, bytes) else str(word).encode() for word in words]
    sock.sendall(b"*%d\r\n" % len(data) + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in data))
    return reply()

def reply():
    kind, rest = (line := reader.readline().rstrip(b"\r\n"))[:1], line[1:]
    if kind == b"*":
        return None if rest == b"-1" else [reply() for _ in range(int(rest))]
    return None if rest == b"-1" else reader.read(int(rest) + 2)[:-2] if kind == b"$" else rest

call("XGROUP", "CREATE", "connectionevents", "echo", "0", "MKSTREAM")
print("echo consumer: reads connectionevents", flush=True)
start = "0"  # what this consumer had taken before it was stopped; then > : what is new
while True:
    read = call("XREADGROUP", "GROUP", "echo", "main", "COUNT", 100, "BLOCK", 5000, "STREAMS", "connectionevents", start)
    entries = read[0][1] if read else []
    start = start if entries else ">"
    for entry, values in entries:
        event = {name.decode(): value for name, value in zip(values[::2], values[1::2])}
        text = {b"open": b"Welcome", b"message": b"You said: " + event.get("message", b"")}.get(event["action"])
        if text is not None:
            who = b"id=" + event["connection"]
            call("XADD", "wscommands", "*", "action", "send", "selector", who, "type", event.get("type", b"text"), "message", text)
        call("XACK", "connectionevents", "echo", entry)
